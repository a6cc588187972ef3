import { describe, expect, test } from "bun:test";
import { addressClass, addressProblem, type AddressClass } from "../../src/base/address.ts";

const classes: readonly (readonly [address: string, expected: AddressClass, why: string])[] = [
  ["8.8.8.8", "public", "unicast"],
  ["1.1.1.1", "public", "unicast"],
  ["172.15.255.255", "public", "just below the private range"],
  ["172.32.0.0", "public", "just above the private range"],
  ["2606:4700::1111", "public", "unicast of 2000::/3"],
  ["[2606:4700::1111]", "public", "brackets as in a URL"],
  ["127.0.0.1", "private", "loopback"],
  ["127.255.255.254", "private", "loopback is a whole network"],
  ["10.0.0.1", "private", "RFC 1918"],
  ["172.16.0.1", "private", "RFC 1918"],
  ["192.168.1.1", "private", "RFC 1918"],
  ["100.64.0.1", "private", "carrier-grade NAT"],
  ["::1", "private", "loopback"],
  ["fd12:3456::1", "private", "unique local"],
  ["::ffff:127.0.0.1", "private", "IPv4-mapped loopback"],
  ["::ffff:7f00:1", "private", "the same in hexadecimal"],
  ["::ffff:10.0.0.1", "private", "IPv4-mapped"],
  ["::127.0.0.1", "private", "IPv4-compatible"],
  ["::7f00:1", "private", "the same in hexadecimal"],
  ["64:ff9b::7f00:1", "private", "NAT64 of loopback"],
  ["2002:7f00:1::", "private", "6to4 of loopback"],
  ["::ffff:8.8.8.8", "public", "IPv4-mapped"],
  ["64:ff9b::808:808", "public", "NAT64"],
  ["0.0.0.0", "forbidden", "unspecified"],
  ["0.1.2.3", "forbidden", "this network"],
  ["::", "forbidden", "unspecified"],
  ["169.254.169.254", "forbidden", "metadata, link-local"],
  ["169.254.0.1", "forbidden", "link-local"],
  ["::ffff:169.254.169.254", "forbidden", "mapped metadata"],
  ["::ffff:a9fe:a9fe", "forbidden", "the same in hexadecimal"],
  ["64:ff9b::a9fe:a9fe", "forbidden", "NAT64 of metadata"],
  ["2002:a9fe:a9fe::", "forbidden", "6to4 of metadata"],
  ["::ffff:0:169.254.169.254", "forbidden", "RFC 6145 of metadata"],
  ["fe80::1", "forbidden", "link-local"],
  ["fe80::1%eth0", "forbidden", "link-local with a zone"],
  ["fec0::1", "forbidden", "site-local"],
  ["100.100.100.200", "forbidden", "metadata of Alibaba Cloud"],
  ["192.0.0.192", "forbidden", "metadata of Oracle Cloud"],
  ["168.63.129.16", "forbidden", "wire server of Azure"],
  ["fd00:ec2::254", "forbidden", "metadata of AWS"],
  ["fd00:0ec2:0:0:0:0:0:254", "forbidden", "the same, spelled out"],
  ["fd20:ce::254", "forbidden", "metadata of Google Cloud"],
  ["224.0.0.1", "forbidden", "multicast"],
  ["ff02::1", "forbidden", "multicast"],
  ["255.255.255.255", "forbidden", "broadcast"],
  ["240.0.0.1", "forbidden", "reserved"],
  ["192.0.2.1", "forbidden", "documentation"],
  ["198.18.0.1", "forbidden", "benchmarking"],
  ["2001:db8::1", "forbidden", "documentation"],
  ["2001::1", "forbidden", "Teredo"],
  ["64:ff9b:1::a9fe:a9fe", "forbidden", "local NAT64, whose target is unknown"],
  ["100::1", "forbidden", "discard"],
  ["4000::1", "forbidden", "not handed out"],
  ["127.1", "forbidden", "not the usual form"],
  ["2130706433", "forbidden", "not the usual form"],
  ["0x7f.0.0.1", "forbidden", "not the usual form"],
  ["010.0.0.1", "forbidden", "octal or decimal, nobody knows"],
  ["localhost", "forbidden", "a name"],
  ["", "forbidden", "nothing"],
];

describe("an address", () => {
  test.each(classes)("%s is %s (%s)", (address, expected) => {
    expect(addressClass(address)).toBe(expected);
  });

  test("may be called when it is public, and when it is private and that is allowed", () => {
    expect(addressProblem("8.8.8.8", false)).toBeNull();
    expect(addressProblem("127.0.0.1", true)).toBeNull();
    expect(addressProblem("127.0.0.1", false)).toContain("needs allow_private_network");
    expect(addressProblem("169.254.169.254", true)).toContain("never called");
  });
});
