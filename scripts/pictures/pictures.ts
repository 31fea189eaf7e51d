// The pictures of README and docs: what a value passes, which login to choose, how to take over from ESO, what the dashboard
// shows; and the chart's icon. `npm run generate` draws them into docs/pictures.
import { dashboardPicture } from './dashboard.ts';
import { type Arrow, type Box, type Note, type Picture, svgOf } from './svg.ts';

/** Path below the root → content. */
export function pictureFiles(): ReadonlyMap<string, string> {
  const drawn = Object.entries(pictures).map(([name, picture]): [string, string] => [name, svgOf(picture)]);
  return new Map([...drawn, ['icon', icon]].map(([name, svg]) => [`docs/pictures/${name}.svg`, svg ?? '']));
}

/** What a value passes; a stage names the folder of `src/` that holds it. */
export const stages: readonly { readonly name: string; readonly what: string; readonly room: string }[] = [
  { name: 'watch, timer', what: 'a change, or it is due', room: 'kube' },
  { name: 'queue', what: 'one run per object', room: 'runtime' },
  { name: 'reconcile', what: 'reads the world', room: 'controller' },
  { name: 'credentials', what: 'Secret, token, file', room: 'credentials' },
  { name: 'login', what: 'one session per identity', room: 'auth' },
  { name: 'snapshot', what: 'one list per scope', room: 'providers' },
  { name: 'select', what: 'key, property, search', room: 'core' },
  { name: 'shape', what: 'decode, rewrite, template', room: 'core' },
  { name: 'plan', what: 'what differs, if anything', room: 'core' },
  { name: 'apply', what: 'at most one write', room: 'kube' },
  { name: 'report', what: 'condition, event, metric', room: 'controller' },
];

const stage = { w: 190, h: 62, gapX: 40, gapY: 44, perRow: 4, margin: 24 } as const;

/** Row by row, turning at the ends. */
function placeOf(index: number): { readonly x: number; readonly y: number; readonly row: number } {
  const row = Math.floor(index / stage.perRow);
  const column = row % 2 === 0 ? index % stage.perRow : stage.perRow - 1 - (index % stage.perRow);
  return { row, x: stage.margin + column * (stage.w + stage.gapX), y: stage.margin + row * (stage.h + stage.gapY) };
}

function arrowBetween(index: number): Arrow {
  const [from, to] = [placeOf(index), placeOf(index + 1)];
  const middle = from.y + stage.h / 2;
  if (from.row !== to.row) {
    const x = from.x + stage.w / 2;
    return {
      through: [
        [x, from.y + stage.h],
        [x, to.y],
      ],
    };
  }
  return from.x < to.x
    ? {
        through: [
          [from.x + stage.w, middle],
          [to.x, middle],
        ],
      }
    : {
        through: [
          [from.x, middle],
          [to.x + stage.w, middle],
        ],
      };
}

const valuePath: Picture = {
  title: `How a value travels: ${stages.map(({ name }) => name).join(', ')}`,
  w: 2 * stage.margin + stage.perRow * stage.w + (stage.perRow - 1) * stage.gapX,
  h: 2 * stage.margin + 3 * stage.h + 2 * stage.gapY,
  boxes: stages.map(({ name, what, room }, i) => {
    const { x, y } = placeOf(i);
    return {
      x,
      y,
      w: stage.w,
      h: stage.h,
      lines: [name, what, `src/${room}`],
      tone: room === 'core' ? 'ours' : 'plain',
    };
  }),
  arrows: stages.slice(1).map((_, i) => arrowBetween(i)),
};

/** Questions in their order; who says yes to one has found the login. */
export const questions: readonly { readonly ask: readonly string[]; readonly yes: readonly string[] }[] = [
  {
    ask: ['Can Infisical fetch the keys of', "the cluster's issuer?"],
    yes: ['OIDC', 'oidcAuthCredentials, serviceAccountRef', 'no secret in the cluster'],
  },
  {
    ask: ['Can Infisical reach the', 'API server?'],
    yes: ['Kubernetes', 'kubernetesAuthCredentials, serviceAccountRef', 'no secret in the cluster'],
  },
  {
    ask: ['Does the operator run in AWS,', 'Azure or Google Cloud?'],
    yes: ['Cloud', 'awsAuthCredentials, azureAuthCredentials,', 'gcpIdTokenAuthCredentials, gcpIamAuthCredentials'],
  },
  {
    ask: ['Is there another authority:', 'tokens, directory, Oracle Cloud?'],
    yes: ['Others', 'jwtAuthCredentials, ldapAuthCredentials,', 'ociAuthCredentials, tokenAuthCredentials'],
  },
  { ask: ['None of these'], yes: ['Universal', 'universalAuthCredentials', 'a client secret, and nothing else'] },
];

const question = { x: 24, w: 240, h: 58, step: 92 } as const;
const answer = { x: 344, w: 372 } as const;

const loginChoice: Picture = {
  title:
    'Choosing a login for Infisical: OIDC, Kubernetes, the clouds, others, and Universal Auth where nothing else is there',
  w: answer.x + answer.w + 24,
  h: 48 + (questions.length - 1) * question.step + question.h,
  boxes: questions.flatMap(({ ask, yes }, i): Box[] => {
    const y = 24 + i * question.step;
    return [
      { x: question.x, y, w: question.w, h: question.h, lines: ask, tone: 'question' },
      { x: answer.x, y, w: answer.w, h: question.h, lines: yes, tone: 'ours' },
    ];
  }),
  arrows: questions.flatMap((_, i): Arrow[] => {
    const middle = 24 + i * question.step + question.h / 2;
    const isLast = i === questions.length - 1;
    const below = middle + question.h / 2;
    const across: Arrow = {
      through: [
        [question.x + question.w, middle],
        [answer.x, middle],
      ],
      ...(isLast ? {} : { label: 'yes' }),
    };
    const x = question.x + question.w / 2;
    return isLast
      ? [across]
      : [
          across,
          {
            through: [
              [x, below],
              [x, below + question.step - question.h],
            ],
            label: 'no',
          },
        ];
  }),
};

/** The steps from ESO to Escapement and back. */
const steps: readonly { readonly lines: readonly string[]; readonly tone: NonNullable<Box['tone']> }[] = [
  { lines: ['1 · ESO runs', 'writes every Secret'], tone: 'outside' },
  {
    lines: ['2 · stop ESO', 'controller, webhook, cert-controller to 0;', 'delete its webhook configurations'],
    tone: 'outside',
  },
  { lines: ['3 · nobody runs', 'CRDs, objects and Secrets stay'], tone: 'plain' },
  { lines: ['4 · start Escapement', 'with the arguments that ESO had'], tone: 'ours' },
  {
    lines: [
      '5 · nothing is rewritten',
      'same hash, labels, owner, field manager;',
      'each object waits for its next refresh',
    ],
    tone: 'ours',
  },
];

const takeOver: Picture = {
  title: 'Taking over from the External Secrets Operator, step by step, and back',
  w: 660,
  h: 48 + steps.length * 88 - 22,
  boxes: steps.map(({ lines, tone }, i) => ({ x: 24, y: 24 + i * 88, w: 330, h: 66, lines, tone })),
  arrows: [
    ...steps.slice(1).map(
      (_, i): Arrow => ({
        through: [
          [189, 90 + i * 88],
          [189, 112 + i * 88],
        ],
      }),
    ),
    {
      through: [
        [354, 57 + 4 * 88],
        [420, 57 + 4 * 88],
        [420, 57],
        [354, 57],
      ],
    },
  ],
  notes: [
    { x: 432, y: 57 + 2 * 88 - 8, text: 'back: stop Escapement,' },
    { x: 432, y: 57 + 2 * 88 + 10, text: 'start ESO with its webhook' },
  ] satisfies readonly Note[],
};

export const pictures = {
  'value-path': valuePath,
  'login-choice': loginChoice,
  'taking-over': takeOver,
  dashboard: dashboardPicture,
} as const;

/** An escapement: the wheel that lets go of one tooth at a time, and the pallet that holds it. */
const icon = iconOf(12);

function iconOf(teeth: number): string {
  const at = (radius: number, turn: number) =>
    [64 + radius * Math.sin(turn * 2 * Math.PI), 72 - radius * Math.cos(turn * 2 * Math.PI)]
      .map((place) => place.toFixed(1))
      .join(' ');
  const wheel = Array.from(
    { length: teeth },
    (_, i) => `${at(44, i / teeth)} ${at(32, (i + 0.35) / teeth)} ${at(32, (i + 0.99) / teeth)}`,
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 128 128" role="img"><title>Escapement</title>
<rect width="128" height="128" rx="24" fill="#22543d"/>
<polygon points="${wheel.join(' ')}" fill="#f6e05e"/>
<circle cx="64" cy="72" r="20" fill="#22543d"/><circle cx="64" cy="72" r="6" fill="#f6e05e"/>
<path d="M24 44Q64 -4 104 44L92 50Q64 16 36 50Z" fill="#dff3e4"/>
</svg>
`;
}
