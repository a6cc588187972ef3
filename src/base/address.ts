/**
 * What kind of place an IP address is, for everything that calls out: the base URL of a provider
 * when it is saved, and each address its name resolves to when it is called. Only globally routed
 * unicast is public; what is not known to be harmless is refused. The only importer of ipaddr.js.
 */
import ipaddr from "ipaddr.js";

/**
 * public: anyone may be called there. private: this machine or the networks around it, which an
 * operator must allow. forbidden: never to be called (link-local, metadata services, multicast, …).
 */
export type AddressClass = "public" | "private" | "forbidden";

const PRIVATE_RANGES: ReadonlySet<string> = new Set([
  "loopback",
  "private",
  "uniqueLocal",
  "carrierGradeNat",
]);

/** Metadata services of clouds that lie outside the link-local range. */
const METADATA_ADDRESSES: ReadonlySet<string> = new Set([
  "100.100.100.200",
  "168.63.129.16",
  "192.0.0.192",
  "fd00:ec2::254",
  "fd20:ce::254",
]);

/**
 * Class of an address in text, such as `127.0.0.1` or `fd00::1`, with or without brackets. Text that
 * is not an address in its usual form (`127.1`, a name) is forbidden: it has no class to go by.
 */
export function addressClass(text: string): AddressClass {
  const bare = text.replace(/^\[(.*)\]$/, "$1");
  if (ipaddr.IPv4.isValidFourPartDecimal(bare)) return classOf4(ipaddr.IPv4.parse(bare));
  if (!bare.includes(":") || !ipaddr.IPv6.isValid(bare)) return "forbidden";
  return classOf6(ipaddr.IPv6.parse(bare));
}

/** Why an address may not be called, to follow its name in a sentence; null when it may. */
export function addressProblem(text: string, allowPrivateNetwork: boolean): string | null {
  const found = addressClass(text);
  if (found === "forbidden") {
    return `${text} is a link-local, metadata, multicast or reserved address, which is never called`;
  }
  return found === "private" && !allowPrivateNetwork
    ? `${text} is a loopback or private address, which needs allow_private_network`
    : null;
}

function classOf4(address: ipaddr.IPv4): AddressClass {
  if (METADATA_ADDRESSES.has(address.toString())) return "forbidden";
  const range = address.range();
  if (range === "unicast") return "public";
  return PRIVATE_RANGES.has(range) ? "private" : "forbidden";
}

function classOf6(address: ipaddr.IPv6): AddressClass {
  if (METADATA_ADDRESSES.has(address.toString())) return "forbidden";
  const inner = embeddedAddress(address);
  if (inner !== null) return classOf4(inner);
  const range = address.range();
  // Unicast is handed out from 2000::/3 only; the library calls everything else unicast, too.
  const isHandedOut = ((address.parts[0] ?? 0) & 0xe000) === 0x2000;
  if (range === "unicast") return isHandedOut ? "public" : "forbidden";
  return PRIVATE_RANGES.has(range) ? "private" : "forbidden";
}

/** The IPv4 address that an IPv6 one leads to: mapped, translated (RFC 6052, 6145), 6to4, compatible. */
function embeddedAddress(address: ipaddr.IPv6): ipaddr.IPv4 | null {
  const parts = address.parts;
  const range = address.range();
  const isWellKnownNat64 = range === "rfc6052" && parts[2] === 0;
  if (range === "ipv4Mapped" || range === "rfc6145" || isWellKnownNat64) {
    return fromWords(parts[6], parts[7]);
  }
  if (range === "6to4") return fromWords(parts[1], parts[2]);
  const isCompatible = range === "unicast" && parts.slice(0, 6).every((word) => word === 0);
  return isCompatible ? fromWords(parts[6], parts[7]) : null;
}

function fromWords(high = 0, low = 0): ipaddr.IPv4 {
  return new ipaddr.IPv4([high >> 8, high & 0xff, low >> 8, low & 0xff]);
}
