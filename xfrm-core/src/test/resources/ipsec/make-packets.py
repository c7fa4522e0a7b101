"""Writes packets.txt: packets sealed by scapy, which shares no code with us.

    python3 -m venv v && v/bin/pip install scapy==2.7.0 cryptography && v/bin/python make-packets.py > packets.txt

A line: name protocol mode encryption key integrity key sequence(hex, 64 bit; over 32 bits: extended) sealed plain
"""
import struct
import sys
from scapy.all import IPv6, UDP, Raw, IPv6ExtHdrHopByHop, IPv6ExtHdrDestOpt, IPv6ExtHdrRouting
from scapy.layers.inet6 import PadN, Pad1, HBHOptUnknown, HAO, RouterAlert
from scapy.layers.ipsec import SecurityAssociation, ESP, AH

SRC, DST = '2001:db8:a::10', '2001:db8:1::1'
HOME = '2001:db8:1::100'
SPI = 0x1001


def key(n, seed=7):
    return bytes((i * seed + 1) & 0xff for i in range(n))


def plain(size, ext=None, src=SRC, dst=DST):
    p = IPv6(src=src, dst=dst, hlim=64, tc=0xb8, fl=0x12345)
    if ext is not None:
        p = p / ext
    return IPv6(bytes(p / UDP(sport=5000, dport=6000) / Raw(bytes(i & 0xff for i in range(size)))))


def line(name, proto, mode, enc, ekey, auth, akey, seq, sealed, before):
    print(name, proto, mode, enc, ekey.hex() or '-', auth, akey.hex() or '-', '%016x' % seq,
          bytes(sealed).hex(), bytes(before).hex())


SEQUENCES = (5, 0x100000005)
print('# Made by make-packets.py with scapy 2.7.0; cryptography does its arithmetic.')
for mode in ('TRANSPORT', 'TUNNEL'):
    tunnel = IPv6(src=SRC, dst=DST) if mode == 'TUNNEL' else None
    for seq in SEQUENCES:
        extended = seq > 0xffffffff
        for enc, auth, elen, alen in (
                ('NULL', 'HMAC-SHA1-96', 0, 20), ('NULL', 'SHA2-256-128', 0, 32),
                ('AES-CBC', 'HMAC-SHA1-96', 16, 20), ('AES-CBC', 'SHA2-256-128', 16, 32),
                ('AES-CBC', 'SHA2-256-128', 24, 32), ('AES-CBC', 'HMAC-SHA1-96', 32, 20),
                ('AES-GCM', 'NULL', 20, 0), ('AES-GCM', 'NULL', 36, 0)):
            sa = SecurityAssociation(ESP, spi=SPI, crypt_algo=enc, crypt_key=key(elen) or None,
                                     auth_algo=auth, auth_key=key(alen) or None, tunnel_header=tunnel,
                                     esn_en=extended, esn=seq >> 32)
            for size in (0, 13, 100):
                before = plain(size)
                iv = struct.pack('>Q', seq) if enc == 'AES-GCM' else None
                sealed = sa.encrypt(before.copy(), seq_num=seq & 0xffffffff, iv=iv,
                                    esn_en=extended, esn=seq >> 32)
                line('esp', 'ESP', mode, enc, key(elen), auth, key(alen), seq, sealed, before)
        for auth, alen in (('HMAC-SHA1-96', 20), ('SHA2-256-128', 32)):
            sa = SecurityAssociation(AH, spi=SPI, auth_algo=auth, auth_key=key(alen), tunnel_header=tunnel,
                                     esn_en=extended, esn=seq >> 32)
            def seal(p):
                return sa.encrypt(p, seq_num=seq & 0xffffffff, esn_en=extended, esn=seq >> 32)
            def note(name, sealed, before):
                line(name, 'AH', mode, 'NULL', b'', auth, key(alen), seq, sealed, before)
            before = plain(100)
            note('ah', seal(before.copy()), before)
            if mode == 'TRANSPORT':
                # 0x3e and 0x1e: the first may change on the way, the second may not (RFC 4302 3.3.3.1.2.2).
                options = [HBHOptUnknown(otype=0x3e, optdata=b'abcd'), HBHOptUnknown(otype=0x1e, optdata=b'efgh')]
                before = plain(20, IPv6ExtHdrHopByHop(options=options))
                sealed = bytearray(bytes(seal(before.copy())))
                note('ah-hop-by-hop', bytes(sealed), before)
                # A router on the way: class, flow label, hop limit and the option's data change.
                sealed[0:4] = b'\x6b\x9a\xbc\xde'
                sealed[7] = 9
                at = bytes(sealed).index(b'abcd')
                sealed[at:at + 4] = b'wxyz'
                after = bytearray(bytes(before))
                after[0:4] = sealed[0:4]
                after[7] = 9
                at = bytes(after).index(b'abcd')
                after[at:at + 4] = b'wxyz'
                note('ah-changed-on-the-way', bytes(sealed), bytes(after))
                # RFC 6275 9.3.1 and 11.3.2: as if the source were the home address and the option held the
                # care-of address. Sealed in that form, then both changed places for the wire.
                hao = IPv6ExtHdrDestOpt(options=[HAO(hoa=SRC)])
                as_if = plain(20, hao, src=HOME)
                wire = bytearray(bytes(seal(as_if.copy())))
                swapped = bytearray(bytes(as_if))
                for p in (wire, swapped):
                    p[8:24], p[48:64] = p[48:64], p[8:24]
                note('ah-home-address', bytes(wire), bytes(swapped))
                # RFC 4302 3.3.3.1.2.3, as scapy does it for every routing header: as it will arrive.
                before = plain(20, IPv6ExtHdrRouting(type=2, segleft=1, addresses=[HOME]))
                note('ah-routing-header', seal(before.copy()), before)
print('done', file=sys.stderr)
