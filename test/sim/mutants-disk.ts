/** Mutants between the gateway and its disk: what is written twice, late, elsewhere or not at all. */
import { Database } from "bun:sqlite";
import type { BatchMessage } from "../../src/store/protocol.ts";
import type { Link } from "../../src/store/link.ts";
import type { Mutant } from "./mutant.ts";

const SLOT_MS = 15 * 60_000;

/** The same link, with some of its verbs changed. */
function relinked(link: Link, change: Partial<Pick<Link, "open" | "send">>): Link {
  return {
    get isOpen() {
      return link.isOpen;
    },
    open: change.open ?? ((message) => link.open(message)),
    send: change.send ?? ((text) => link.send(text)),
    close: () => link.close(),
  };
}

function onFile(file: string, work: (sqlite: Database) => void): void {
  const sqlite = new Database(file);
  try {
    work(sqlite);
  } finally {
    sqlite.close();
  }
}

export const DISK_MUTANTS: Readonly<Record<string, () => Mutant>> = {
  "settles-twice": () => ({
    name: "settles-twice",
    says: "a posting is written twice, and nothing in the file forbids it",
    link: (link, { file }) => {
      let isFree = false;
      return relinked(link, {
        send: (text) => {
          const batch = JSON.parse(text) as BatchMessage;
          if (!isFree)
            onFile(file, (sqlite) => sqlite.exec("drop index if exists postings_terminal"));
          isFree = true;
          link.send(
            JSON.stringify({ ...batch, postings: batch.postings.flatMap((one) => [one, one]) }),
          );
        },
      });
    },
  }),

  "window-of-settlement": () => ({
    name: "window-of-settlement",
    says: "a cost counts in the window in which it is settled, not in the one that admitted it",
    link: (link, { file }) => {
      let borrowed: { id: string; heldAtMs: number }[] = [];
      return relinked(link, {
        send: (text) => {
          const { postings } = JSON.parse(text) as BatchMessage;
          onFile(file, (sqlite) => {
            const find = sqlite.query<{ heldAtMs: number }, [string]>(
              "select held_at_ms as heldAtMs from attempts where id = ?",
            );
            const move = sqlite.query("update attempts set held_at_ms = ? where id = ?");
            for (const { id, heldAtMs } of borrowed) move.run(heldAtMs, id);
            borrowed = [];
            for (const { attemptId: id, postedAtMs } of postings) {
              const { heldAtMs = postedAtMs } = find.get(id) ?? {};
              if (Math.floor(heldAtMs / SLOT_MS) === Math.floor(postedAtMs / SLOT_MS)) continue;
              borrowed.push({ id, heldAtMs });
              move.run(postedAtMs, id);
            }
          });
          link.send(text);
        },
      });
    },
  }),

  "no-recovery": () => ({
    name: "no-recovery",
    says: "a start after a crash leaves what was open as it is",
    link: (link) =>
      relinked(link, { open: (message) => link.open({ ...message, recover: false }) }),
  }),

  "recovery-for-free": () => ({
    name: "recovery-for-free",
    says: "what a crash left open is resolved at nothing",
    link: (link, { file }) =>
      relinked(link, {
        open: (message) => {
          onFile(file, (sqlite) =>
            sqlite.exec(
              "update attempts set held_nano_usd = 0 where seq in (select attempt_seq from open_attempts)",
            ),
          );
          return link.open(message);
        },
      }),
  }),

  "lost-in-trouble": () => ({
    name: "lost-in-trouble",
    says: "what is settled while the disk is in trouble is dropped",
    store: (store) => ({
      ...store,
      ledger: {
        ...store.ledger,
        post: (record) => {
          if (store.health().ok) store.ledger.post(record);
        },
      },
    }),
  }),

  "posts-late": () => ({
    name: "posts-late",
    says: "the actor is told of a settlement before the ledger is, which hears of it some turns later",
    store: (store, { clock }) => ({
      ...store,
      ledger: {
        ...store.ledger,
        post: (record) => void clock.after(3, () => store.ledger.post(record)),
      },
    }),
  }),
};
