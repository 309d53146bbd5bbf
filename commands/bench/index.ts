// `npm run bench [-- store]`.

const [part = "all"] = process.argv.slice(2);
if (part === "all") await import("./all.ts");
else if (part === "store") await import("./store.ts");
else {
  console.error(`npm run bench -- ${part}: there is no such part. Known: all, store`);
  process.exitCode = 2;
}
