const MAX_BYTE = 255
/** Largest number that the last part of an address can be, by how many parts there are. */
const MAX_LAST_PART: readonly number[] = [0, 2 ** 32 - 1, 2 ** 24 - 1, 2 ** 16 - 1, MAX_BYTE]

/**
 * Whether Apache Kafka would take this as an address without asking a name server: IPv4 of one to four numbers, the last of which fills
 * what the others leave, IPv6, or this host. Names of other hosts are not looked up here.
 */
export function isIpAddress(text: string): boolean {
  return text === 'localhost' || isIpv4(text) || isIpv6(text)
}

function isIpv4(text: string): boolean {
  const parts = text.split('.')
  if (parts.length > 4 || !parts.every((part) => /^\d{1,10}$/.test(part))) return false
  const last = Number(parts.at(-1))
  return last <= MAX_LAST_PART[parts.length]! && parts.slice(0, -1).every((part) => Number(part) <= MAX_BYTE)
}

function isIpv6(text: string): boolean {
  if (!/^[\da-fA-F:.]+$/.test(text) || !text.includes(':')) return false
  try {
    return new URL(`http://[${text}]`).hostname !== ''
  } catch {
    return false
  }
}
