#!/bin/sh
# Test keys, known to everyone.
ip xfrm state flush
ip xfrm state add src 2001:db8:1::100 dst 2001:db8:1::1 proto esp spi 0x2001 mode transport reqid 11 \
  replay-window 32 enc 'cbc(aes)' 0x00112233445566778899aabbccddee01 auth-trunc 'hmac(sha256)' \
  0x000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e01 128
ip xfrm state add src 2001:db8:1::1 dst 2001:db8:1::100 proto esp spi 0x2002 mode transport reqid 12 \
  enc 'cbc(aes)' 0x00112233445566778899aabbccddee02 auth-trunc 'hmac(sha256)' \
  0x000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e02 128
ip xfrm state add src 2001:db8:1::100 dst 2001:db8:1::1 proto esp spi 0x2003 mode transport reqid 13 \
  enc 'cbc(aes)' 0x00112233445566778899aabbccddee03 auth-trunc 'hmac(sha256)' \
  0x000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e03 128
ip xfrm state add src 2001:db8:1::1 dst 2001:db8:1::100 proto esp spi 0x2004 mode transport reqid 14 \
  enc 'cbc(aes)' 0x00112233445566778899aabbccddee04 auth-trunc 'hmac(sha256)' \
  0x000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e04 128
ip xfrm state add src 2001:db8:1::100 dst 2001:db8:1::1 proto esp spi 0x2005 mode tunnel reqid 15 \
  enc 'cbc(aes)' 0x00112233445566778899aabbccddee05 auth-trunc 'hmac(sha256)' \
  0x000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e05 128 sel proto 135
ip xfrm state add src 2001:db8:1::1 dst 2001:db8:1::100 proto esp spi 0x2006 mode tunnel reqid 16 \
  enc 'cbc(aes)' 0x00112233445566778899aabbccddee06 auth-trunc 'hmac(sha256)' \
  0x000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e06 128 sel proto 135
ip xfrm state add src 2001:db8:1::100 dst 2001:db8:1::1 proto esp spi 0x2007 mode tunnel reqid 17 \
  enc 'cbc(aes)' 0x00112233445566778899aabbccddee07 auth-trunc 'hmac(sha256)' \
  0x000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e07 128
ip xfrm state add src 2001:db8:1::1 dst 2001:db8:1::100 proto esp spi 0x2008 mode tunnel reqid 18 \
  enc 'cbc(aes)' 0x00112233445566778899aabbccddee08 auth-trunc 'hmac(sha256)' \
  0x000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e08 128
