/*
 * What libcrypto itself takes for one packet: the anchor for SealBenchmark. One context for all packets, only
 * the IV is set; in place. Prints a line each: name, nanoseconds per packet.
 *
 *   gcc -O2 -o evp bench/evp.c -lcrypto && ./evp
 */
#include <openssl/evp.h>
#include <openssl/core_names.h>
#include <openssl/params.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { GCM_TEXT = 1400, CBC_TEXT = 1408, ROUNDS = 7, PACKETS = 100000 };

static unsigned char packet[2048], sealed[2048], key[32], nonce[16], tag[32], aad[8];

static void need(int ok, const char *what) {
  if (!ok) {
    fprintf(stderr, "failed: %s\n", what);
    exit(1);
  }
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1e9 + t.tv_nsec;
}

static EVP_CIPHER_CTX *cipher(const EVP_CIPHER *type, int encrypt) {
  EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
  need(EVP_CipherInit_ex(c, type, NULL, key, nonce, encrypt), "init");
  EVP_CIPHER_CTX_set_padding(c, 0);
  return c;
}

static void gcm_seal(EVP_CIPHER_CTX *c) {
  int n;
  (*(unsigned long *)nonce)++;
  need(EVP_CipherInit_ex(c, NULL, NULL, NULL, nonce, 1) && EVP_CipherUpdate(c, NULL, &n, aad, 8) &&
           EVP_CipherUpdate(c, packet, &n, packet, GCM_TEXT) && EVP_CipherFinal_ex(c, packet + n, &n) &&
           EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_GET_TAG, 16, tag),
       "GCM seal");
}

static void gcm_open(EVP_CIPHER_CTX *c) {
  int n;
  memcpy(packet, sealed, GCM_TEXT);
  need(EVP_CipherInit_ex(c, NULL, NULL, NULL, nonce, 0) && EVP_CipherUpdate(c, NULL, &n, aad, 8) &&
           EVP_CipherUpdate(c, packet, &n, packet, GCM_TEXT) &&
           EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_SET_TAG, 16, tag) && EVP_CipherFinal_ex(c, packet + n, &n),
       "GCM open");
}

static EVP_MAC_CTX *mac;

static void hmac(void) {
  size_t n;
  need(EVP_MAC_init(mac, NULL, 0, NULL) && EVP_MAC_update(mac, aad, 8) && EVP_MAC_update(mac, nonce, 16) &&
           EVP_MAC_update(mac, packet, CBC_TEXT) && EVP_MAC_final(mac, tag, &n, sizeof tag),
       "HMAC");
}

static void cbc_seal(EVP_CIPHER_CTX *c) {
  int n;
  (*(unsigned long *)nonce)++;
  need(EVP_CipherInit_ex(c, NULL, NULL, NULL, nonce, 1) && EVP_CipherUpdate(c, packet, &n, packet, CBC_TEXT), "CBC");
  hmac();
}

static void cbc_open(EVP_CIPHER_CTX *c) {
  int n;
  memcpy(packet, sealed, CBC_TEXT);
  hmac();
  need(EVP_CipherInit_ex(c, NULL, NULL, NULL, nonce, 0) && EVP_CipherUpdate(c, packet, &n, packet, CBC_TEXT), "CBC");
}

static int ascending(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return x < y ? -1 : x > y;
}

static void measure(const char *name, void (*run)(EVP_CIPHER_CTX *), EVP_CIPHER_CTX *c) {
  double times[ROUNDS];
  for (int r = -1; r < ROUNDS; r++) {
    double start = now();
    for (int i = 0; i < PACKETS; i++) run(c);
    if (r >= 0) times[r] = (now() - start) / PACKETS;
  }
  qsort(times, ROUNDS, sizeof *times, ascending);
  printf("%s %.0f\n", name, times[ROUNDS / 2]);
}

int main(void) {
  measure("gcm sealing", gcm_seal, cipher(EVP_aes_128_gcm(), 1));
  EVP_CIPHER_CTX *c = cipher(EVP_aes_128_gcm(), 1);
  gcm_seal(c);
  memcpy(sealed, packet, GCM_TEXT);
  measure("gcm opening", gcm_open, cipher(EVP_aes_128_gcm(), 0));

  EVP_MAC *type = EVP_MAC_fetch(NULL, "HMAC", NULL);
  mac = EVP_MAC_CTX_new(type);
  OSSL_PARAM digest[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, "SHA256", 0),
                         OSSL_PARAM_construct_end()};
  need(EVP_MAC_init(mac, key, sizeof key, digest), "HMAC key");
  measure("cbc sealing", cbc_seal, cipher(EVP_aes_128_cbc(), 1));
  measure("cbc opening", cbc_open, cipher(EVP_aes_128_cbc(), 0));
  return 0;
}
