// Counts words for as long as its execution environment lives.
const counts = new Map();

export async function handler(event) {
  for (const { value } of Object.values(event.records).flat()) {
    const line = Buffer.from(value ?? "", "base64").toString();
    for (const word of line.toLowerCase().match(/\p{L}+/gu) ?? [])
      counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  console.log("words", JSON.stringify(Object.fromEntries(counts)));
}
