// The bounds of an evaluation. Documents come from tenants: what they can make large or deep stops here, as an error of the
// document and never as a fault of the process.

/** Most characters of one document. */
export const maxDocumentLength = 1024 * 1024;
/** Most nodes of one document. */
export const maxNodes = 100_000;
/** Deepest nesting of one document, and of one value. */
export const maxDepth = 128;
/** Documents that one evaluation may read, the root included. */
export const maxDocuments = 256;
/** Expressions that may wait for one another: chains of references and of imports. Each level costs stack. */
export const maxPending = 512;
/** Work of one round, in values that are made, copied or looked at. */
export const maxSteps = 2_000_000;
/** Most weight of one value: its nodes, and its characters by sixteen. */
export const maxWeight = 1_000_000;
/** Longest text that a function may make. */
export const maxTextLength = 8 * 1024 * 1024;
/** Calls of providers that one evaluation may make. */
export const maxOpenings = 512;
/** Rounds of evaluating and opening: the longest chain of calls that feed one another. */
export const maxRounds = 32;
/** Diagnostics that are kept; one more says that there were more. */
export const maxDiagnostics = 500;

/** A bound was exceeded: the evaluation ends with this text as its diagnostic. */
export class LimitExceeded extends Error {}
