/** The first 128 bits of a SHA-256 in hex as a UUID, which PostgreSQL stores in 16 bytes. */
export function uuidOf(hex: string): string {
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20, 32)}`;
}
