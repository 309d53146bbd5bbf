// Which addresses a process and all its descendants listen at, as Linux tells.

import { readdirSync, readFileSync, readlinkSync } from "node:fs";

export interface Listener {
  /** `127.0.0.1`, or the address as the kernel writes it where it is another one. */
  readonly address: string;
  readonly port: number;
}

function parents(): Map<number, number> {
  const pids = readdirSync("/proc").map(Number).filter(Number.isInteger);
  return new Map(
    pids.flatMap((pid): [number, number][] => {
      try {
        const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
        return [[pid, Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1])]];
      } catch {
        return []; // ended meanwhile
      }
    }),
  );
}

function socketsOf(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
      try {
        return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1] ?? [];
      } catch {
        return []; // closed meanwhile
      }
    });
  } catch {
    return []; // ended meanwhile
  }
}

// 127.0.0.1 in the kernel's byte order, as IPv4, and as IPv6 maps it.
const loopback = new Set([
  "0100007F",
  "0000000000000000FFFF00000100007F",
  "00000000000000000000000001000000",
]);
const LISTEN = "0A";

/** @param root pid of the process at whose descendants to look */
export function listenersBelow(root: number): Listener[] {
  const parentOf = parents();
  const isBelow = (pid: number): boolean => pid === root || (pid > 1 && isBelow(parentOf.get(pid) ?? 0));
  const inodes = new Set([...parentOf.keys()].filter(isBelow).flatMap(socketsOf));
  return ["tcp", "tcp6"].flatMap((table) =>
    readFileSync(`/proc/net/${table}`, "utf8")
      .trim()
      .split("\n")
      .slice(1)
      .map((line) => line.trim().split(/\s+/))
      .filter((fields) => fields[3] === LISTEN && inodes.has(fields[9] ?? ""))
      .map(([, local = ""]) => {
        const [address = "", port = ""] = local.split(":");
        return { address: loopback.has(address) ? "127.0.0.1" : address, port: Number.parseInt(port, 16) };
      }),
  );
}
