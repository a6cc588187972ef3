/** Words for what the operating system refuses at start, of files and of the port. */

/** Why the operating system refused, in its own short code. */
export function systemReason(error: unknown): string {
  const code = error instanceof Error && "code" in error ? String(error.code) : "UNKNOWN";
  const reasons: Readonly<Record<string, string>> = {
    ENOENT: "no such file",
    EACCES: "permission denied",
    EEXIST: "something that is not a directory is in its place",
    EISDIR: "it is a directory",
    ENOTDIR: "a part of its path is not a directory",
    ENOSPC: "the disk is full",
    EROFS: "the file system is read-only",
    EADDRINUSE: "another program listens there",
    EADDRNOTAVAIL: "this machine has no such address",
  };
  return reasons[code] ?? code;
}
