// Which projects, environments and folders an identity has read: what a message compares a misspelt name with. Nothing is asked
// of the server for it. Kept per session, so that nobody learns a name that its own identity could not read.
import { didYouMean } from '../../core/near-miss.ts';

/** Project, environment and folder. */
export interface NamedPlace {
  readonly project: string;
  readonly environment: string;
  readonly folder: string;
}

/** Places that are kept in all, the youngest: some 200 bytes each. */
const mostPlaces = 5_000;

export class KnownPlaces {
  /** By session and place, the oldest first. */
  readonly #places = new Map<string, { readonly session: string; readonly place: NamedPlace }>();

  note(session: string, { project, environment, folder }: NamedPlace): void {
    const key = JSON.stringify([session, project, environment, folder]);
    if (this.#places.has(key)) return;
    this.#places.set(key, { session, place: { project, environment, folder } });
    const [oldest] = this.#places.keys();
    if (this.#places.size > mostPlaces && oldest !== undefined) this.#places.delete(oldest);
  }

  /**
   * What a place that is not there probably meant: `; did you mean "…"?` for its project, else its environment, else its
   * folder, whichever is the first that is not known. '' when nothing known is near.
   */
  meant(session: string, { project, environment, folder }: NamedPlace): string {
    const mine = [...this.#places.values()].filter((known) => known.session === session).map(({ place }) => place);
    const inProject = mine.filter((place) => place.project === project);
    if (inProject.length === 0)
      return nearMiss(
        'projectSlug',
        project,
        mine.map((place) => place.project),
      );
    const inEnvironment = inProject.filter((place) => place.environment === environment);
    if (inEnvironment.length === 0)
      return nearMiss(
        'environmentSlug',
        environment,
        inProject.map((place) => place.environment),
      );
    return nearMiss(
      'folder',
      folder,
      inEnvironment.map((place) => place.folder),
    );
  }
}

function nearMiss(what: string, wanted: string, names: readonly string[]): string {
  const others = [...new Set(names)].filter((name) => name !== wanted);
  return didYouMean(wanted, others).replace('did you mean', `did you mean ${what}`);
}
