// What a subcommand for people has of the process around it. Only main.ts holds the real thing; tests hold another.

export interface Output {
  /** Resolves when the text is handed over; false when nobody reads any more. */
  readonly write: (text: string | Buffer) => Promise<boolean>;
  readonly isTerminal: boolean;
}

/** Signals that a command which is run in the foreground may want to hear. */
export const passedSignals = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2', 'SIGWINCH'] as const;
export type PassedSignal = (typeof passedSignals)[number];

export interface Desk {
  readonly out: Output;
  readonly errors: Output;
  /** Everything that comes in until it ends. */
  readonly readInput: () => Promise<Buffer>;
  readonly isInputTerminal: boolean;
  /** Listens until the answer is called; a signal that is listened to does not end the process. */
  readonly onSignal: (listener: (signal: PassedSignal) => void) => () => void;
  /** Fires when the process is asked to end. */
  readonly stopping: AbortSignal;
}
