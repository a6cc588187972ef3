/**
 * Makes system calls of this whole process fail from now on, every thread of it, as a broken disk
 * would: a seccomp filter answers them with an error instead of the kernel. It cannot be taken back.
 */
import { dlopen, FFIType, ptr } from "bun:ffi";

const X64 = process.arch === "x64";
/** Numbers of the calls that SQLite makes to get bytes to the disk, by architecture. */
const CALLS = X64
  ? { pwrite64: 18, ftruncate: 77, fsync: 74, fdatasync: 75 }
  : { pwrite64: 68, ftruncate: 46, fsync: 82, fdatasync: 83 };
const ERRORS = { EIO: 5, ENOSPC: 28, EROFS: 30 } as const;
const AUDIT_ARCH = X64 ? 0xc000003e : 0xc00000b7;
const SYS_SECCOMP = X64 ? 317 : 277;

const [LOAD, JUMP_IF_EQUAL, RETURN] = [0x20, 0x15, 0x06];
const [ALLOW, FAIL_WITH] = [0x7fff0000, 0x00050000];
const [PR_SET_NO_NEW_PRIVS, SET_MODE_FILTER, FILTER_FLAG_TSYNC] = [38, 1, 1];

export type FailingCall = keyof typeof CALLS;
export type CallError = keyof typeof ERRORS;

/** Throws when the kernel does not let a process do that to itself. */
export function failCalls(calls: readonly FailingCall[], error: CallError): void {
  const numbers = calls.map((name) => CALLS[name]);
  const toFailure = (place: number): number => numbers.length - place;
  const program = [
    instruction(LOAD, 4),
    // Another architecture's numbers mean other calls: those are let through.
    instruction(JUMP_IF_EQUAL, AUDIT_ARCH, 0, 1 + numbers.length),
    instruction(LOAD, 0),
    ...numbers.map((number, place) => instruction(JUMP_IF_EQUAL, number, toFailure(place), 0)),
    instruction(RETURN, ALLOW),
    instruction(RETURN, FAIL_WITH | ERRORS[error]),
  ];
  install(Buffer.concat(program), program.length);
}

function instruction(code: number, operand: number, jumpTrue = 0, jumpFalse = 0): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt16LE(code, 0);
  bytes.writeUInt8(jumpTrue, 2);
  bytes.writeUInt8(jumpFalse, 3);
  bytes.writeUInt32LE(operand, 4);
  return bytes;
}

function install(instructions: Buffer, count: number): void {
  const { i64, ptr: pointer } = FFIType;
  const libc = dlopen("libc.so.6", {
    prctl: { args: [i64, i64, i64, i64, i64], returns: FFIType.i32 },
    syscall: { args: [i64, i64, i64, pointer], returns: i64 },
  });
  const program = Buffer.alloc(16);
  program.writeUInt16LE(count, 0);
  program.writeBigUInt64LE(BigInt(ptr(instructions)), 8);
  const { prctl, syscall } = libc.symbols;
  const allowed = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  const installed = syscall(SYS_SECCOMP, SET_MODE_FILTER, FILTER_FLAG_TSYNC, ptr(program));
  if (allowed !== 0 || Number(installed) !== 0) {
    throw new Error(`no filter can be installed here (${allowed}, ${installed})`);
  }
}
