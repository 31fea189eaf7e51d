// What comes of opening or checking an ENV of the command line.
import type { Diagnostic } from '../../core/esc/diagnostics.ts';
import type { EscValue } from '../../core/esc/value.ts';

export interface Opened {
  /** What was asked for, in words for messages. */
  readonly title: string;
  readonly value: EscValue | undefined;
  readonly diagnostics: readonly PlacedDiagnostic[];
}

export interface PlacedDiagnostic extends Diagnostic {
  /** `file:line:column`, or the Environment. */
  readonly place: string;
}
