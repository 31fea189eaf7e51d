// What befalls the API server, its watches, and the replicas.
import { type Happenings, pick } from './chance.ts';

export const api = {
  refuse: (stage, { a, b }) => stage.faultFor(a * 12_000, b < 0.5 ? 1 : 0.4, 'refuse'),
  loseAnswers: (stage, { a, b }) => stage.faultFor(a * 12_000, b < 0.5 ? 1 : 0.4, 'lose'),
  resend: (stage, { a, b }) => stage.faultFor(a * 12_000, b < 0.5 ? 1 : 0.4, 'resend'),
  conflict: (stage, { a, b }) => stage.faultFor(a * 3_000, b < 0.5 ? 1 : 0.4, 'conflict'),
  breakWatches: (stage, { a }) => stage.breakWatchesFor(a * 2_000),
  /** News come seconds late. */
  slowWatches: ({ cluster: { api: server }, clock }, { a, b }) => {
    server.watchLagMs = () => Math.random() * 3_000 * b;
    clock.after(a * 8_000, () => {
      server.watchLagMs = () => Math.random() * 60;
    });
  },
  /** The watch of a kind must begin with a list: what came and went before never shows. */
  expire: ({ cluster, clock }, { a }) => {
    const kind = pick(['Secret', 'ExternalSecret', 'SecretStore', 'ClusterExternalSecret', 'Namespace'], a);
    cluster.api.deafen(kind);
    clock.after(300, () => cluster.api.hear(kind));
  },
} satisfies Happenings;

export const replicas = {
  stopLeader: (stage) => stage.end('leader', 'stop'),
  killLeader: (stage) => stage.end('leader', 'kill'),
  killFollower: (stage) => stage.end('follower', 'kill'),
  freezeLeader: (stage, { a }) => stage.freezeLeader(a * 25_000),
} satisfies Happenings;
