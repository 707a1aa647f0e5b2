// Checks the trail of a case in this browser: every entry against the signed ledger, with WebCrypto and nothing else.
// The same checks, with the same names, as verify/ledger.py. Sources: RFC 6962 §2.1, RFC 8032, C2SP signed-note and
// tlog-checkpoint.
const SALT_BYTES = 32;
const utf8 = (text) => new TextEncoder().encode(text);
const bytes = (base64) => Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
const hex = (data) => Array.from(data, (byte) => byte.toString(16).padStart(2, "0")).join("");
const fromHex = (text) => Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16));
const half = (number) => Math.floor(number / 2);

function join(...parts) {
  const joined = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  parts.reduce((at, part) => (joined.set(part, at), at + part.length), 0);
  return joined;
}

const sha256 = async (...parts) => new Uint8Array(await crypto.subtle.digest("SHA-256", join(...parts)));

// --- Signed notes

// Lines of the text that the key signed, and whether this browser could check the signature itself.
async function openNote(note, vkey) {
  const [, name, keyHash, encoded] = /^([^+]+)\+([^+]+)\+(.+)$/.exec(vkey.trim()) ?? [];
  const key = bytes(encoded ?? "");
  if (key[0] !== 1 || hex((await sha256(utf8(`${name}\n`), key)).slice(0, 4)) !== keyHash) {
    throw new Error("the verifier key is damaged or not Ed25519");
  }
  const end = note.lastIndexOf("\n\n");
  const text = note.slice(0, Math.max(end, 0));
  for (const line of end < 0 ? [] : note.slice(end + 2).split("\n")) {
    const [, signer, blob] = /^— (\S+) (\S+)$/.exec(line) ?? [];
    if (signer !== name) continue;
    const signature = bytes(blob);
    if (hex(signature.slice(0, 4)) !== keyHash) continue;
    const holds = await verifySignature(key.slice(1), signature.slice(4), utf8(`${text}\n`));
    if (holds !== false) return { lines: text.split("\n"), checked: holds === true };
  }
  throw new Error("a note does not carry the log's signature");
}

// True or false; null in a browser without Ed25519.
async function verifySignature(key, signature, message) {
  try {
    const imported = await crypto.subtle.importKey("raw", key, { name: "Ed25519" }, false, ["verify"]);
    return await crypto.subtle.verify({ name: "Ed25519" }, imported, signature, message);
  } catch (error) {
    if (error.name === "NotSupportedError") return null;
    throw error;
  }
}

// --- Proofs (RFC 6962)

// For each sibling on the way up: does it stand on the left? null if there should be more or fewer.
function sides(index, last, count) {
  const found = [];
  for (let step = 0; step < count; step += 1) {
    if (last === 0) return null;
    const left = index % 2 === 1 || index === last;
    while (left && index % 2 === 0 && index) [index, last] = [half(index), half(last)];
    found.push(left);
    [index, last] = [half(index), half(last)];
  }
  return last === 0 ? found : null;
}

async function isIncluded(leaf, index, size, proof, root) {
  const way = Number.isSafeInteger(index) && index >= 0 && index < size ? sides(index, size - 1, proof.length) : null;
  if (way === null) return false;
  let value = await sha256([0], utf8(leaf));
  for (const [step, left] of way.entries()) {
    value = await (left ? sha256([1], proof[step], value) : sha256([1], value, proof[step]));
  }
  return hex(value) === hex(root);
}

async function commitment(salt, payload) {
  const key = await crypto.subtle.importKey("raw", salt, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  return hex(new Uint8Array(await crypto.subtle.sign("HMAC", key, payload)));
}

// --- Trails

async function entryFailures(event, leaf, caseNo, size, root) {
  const failures = [];
  const proof = event.proof.map(fromHex);
  if (!(await isIncluded(event.leaf, leaf.seq, size, proof, root))) failures.push("the leaf is not in the tree at this place");
  if (["seq", "type", "time"].some((name) => event[name] !== leaf[name])) failures.push("seq, type or time is not the leaf's");
  if (leaf.case_ref !== caseNo) failures.push("the leaf is of another case");
  if (event.payload !== null) {
    const salt = bytes(event.salt ?? "");
    const opens = salt.length === SALT_BYTES && (await commitment(salt, utf8(event.payload))) === leaf.payload_commitment;
    if (!opens) failures.push("the payload does not open its commitment");
  }
  return failures;
}

// seq in the order of events: by caseseq where given, the others by time among them.
function expectedOrder(leaves) {
  const keys = leaves.filter((leaf) => !("caseseq" in leaf)).map((leaf) => [leaf.time, 0, leaf.seq]);
  const numbered = leaves.filter((leaf) => "caseseq" in leaf).sort((a, b) => a.caseseq - b.caseseq || a.seq - b.seq);
  let latest = "";
  numbered.forEach((leaf, place) => {
    if (leaf.time > latest) latest = leaf.time;
    keys.push([latest, place + 1, leaf.seq]);
  });
  keys.sort((a, b) => (a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : a[1] - b[1] || a[2] - b[2]));
  return keys.map((key) => key[2]);
}

const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);

function wholeFailures(trail, leaves, origin, size, statement) {
  const failures = [];
  const count = leaves.length;
  if (!same(statement, [`${origin}/trail`, trail.case_no, String(count), size])) failures.push("the signed count, case or tree size is another");
  const numbers = leaves.map((leaf) => leaf.case_entry).sort((a, b) => a - b);
  if (!same(numbers, Array.from(leaves, (_, place) => place + 1))) failures.push("an entry of the case is missing or doubled");
  if (!same(leaves.map((leaf) => leaf.seq), expectedOrder(leaves))) failures.push("the entries are out of order");
  return failures;
}

// trail: as the API tells it, but the payloads as text. Failures of the whole and of each entry, all empty when everything
// holds; entries is null when nothing could be checked. signed: did this browser check the signatures?
export async function checkTrail(trail, vkey) {
  const result = { failures: [], entries: null, signed: true };
  try {
    const checkpoint = await openNote(trail.checkpoint, vkey);
    const statement = await openNote(trail.statement, vkey);
    result.signed = checkpoint.checked && statement.checked;
    const [origin, size, root] = checkpoint.lines;
    if (origin !== vkey.split("+")[0]) result.failures.push("the checkpoint is not this log's");
    const leaves = trail.events.map((event) => JSON.parse(event.leaf));
    result.entries = await Promise.all(trail.events.map((event, place) =>
      entryFailures(event, leaves[place], trail.case_no, Number(size), bytes(root)).catch(sayError)));
    result.failures.push(...wholeFailures(trail, leaves, origin, size, statement.lines));
  } catch (error) {
    result.failures.push(...sayError(error));
  }
  return result;
}

const sayError = (error) => [error.message || error.name];

// --- The page

// What stands there to read is what is checked.
function trailOf(section) {
  const { caseNo, checkpoint, statement } = section.dataset;
  const events = Array.from(section.querySelectorAll("[data-entry]"), (entry) => ({
    seq: Number(entry.dataset.seq),
    type: entry.dataset.type,
    time: entry.dataset.time,
    leaf: entry.querySelector("[data-raw=leaf]").textContent,
    payload: entry.querySelector("[data-raw=payload]")?.textContent ?? null,
    salt: entry.dataset.salt ?? null,
    proof: Array.from(entry.querySelectorAll("[data-path] li"), (line) => line.textContent),
  }));
  return { case_no: caseNo, checkpoint, statement, events };
}

function list(element, sentences, words) {
  element.hidden = sentences.length === 0;
  element.replaceChildren(...sentences.map((sentence) => {
    const line = document.createElement("li");
    line.textContent = words[sentence] ?? sentence;
    return line;
  }));
}

function showEntry(entry, failures, words) {
  const mark = entry.querySelector("[data-mark]");
  const [word, tone] = failures === null ? ["unchecked", ""] : failures.length ? ["cross", "bad"] : ["tick", "good"];
  mark.dataset.mark = word;
  mark.className = `badge ${tone}`;
  mark.textContent = words[word];
  list(entry.querySelector("[data-failures]"), failures ?? [], words);
}

async function show(section) {
  if (!globalThis.crypto?.subtle) return; // not over TLS: what the server found stays
  const words = JSON.parse(section.dataset.words);
  const result = await checkTrail(trailOf(section), section.dataset.key);
  section.querySelectorAll("[data-entry]").forEach((entry, place) => showEntry(entry, result.entries?.[place] ?? null, words));
  const broken = result.failures.length > 0 || !result.entries?.every((failures) => failures.length === 0);
  const fine = !broken && (result.signed || section.dataset.server === "true");
  const verdict = section.querySelector("[data-verdict]");
  verdict.className = fine ? "notice good" : "notice bad";
  verdict.dataset.verdict = fine ? "browser" : "broken";
  verdict.querySelector(".title").textContent = fine ? words.fine : words.broken;
  verdict.querySelector("[data-how]").textContent = result.signed ? words.signed : words.unsigned;
  list(verdict.querySelector("[data-failures]"), result.failures, words);
}

if (typeof document !== "undefined") document.querySelectorAll("[data-ledger]").forEach(show);
