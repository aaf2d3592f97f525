// The manifest of a checkpoint folder: what it holds.

/** The manifest format this version reads and writes. */
export const SCHEMA_VERSION = 1

/** What a model computes; fixes the graph roles a checkpoint must have. */
export type ModelKind = 'flow' | 'diffusion' | 'autoregressive' | 'sequence' | 'classifier' | 'cvpn'

/** One graph of a checkpoint. */
export interface GraphEntry {
  /** File name inside the folder. */
  file: string
  /** Shape of every input by name; a string is a symbolic size: `{ x: ['N', 1, 28, 28] }`. */
  inputs: Record<string, (number | string)[]>
  /** The same for every output. */
  outputs: Record<string, (number | string)[]>
  [extra: string]: unknown
}

/** A preprocessing step by name, with its parameters: `{ name: 'logit', alpha: 0.05, eps: 1e-6 }`. */
export interface PreprocessingStep {
  name: string
  [parameter: string]: unknown
}

/** `manifest.json` of a checkpoint folder. Fields beyond these are kept as they are. */
export interface Manifest {
  schemaVersion: typeof SCHEMA_VERSION
  name: string
  kind: ModelKind
  /** Graphs by role; the roles each kind needs are in `GRAPH_ROLES`. */
  graphs: Record<string, GraphEntry>
  data: {
    /** Data set the model was trained on. */
    dataset: string
    /** Shape of one data row, [C, H, W] for images. */
    shape: number[]
    /** Smallest and largest raw value, [0, 255] for bytes. */
    valueRange: [number, number]
  }
  /** From raw data to what the graphs take, in the order applied. */
  preprocessing: PreprocessingStep[]
  /** Shape of one latent row, for kinds that have latents. */
  latentShape?: number[]
  /** Diffusion: the process by name with its parameters, `{ name: 'vp', betaMin: 0.1, betaMax: 20, T: 1 }`. */
  sde?: { name: string; [parameter: string]: unknown }
  /** Diffusion: what the network gives, `scaled-score` (sigma(t) times the score, default), `epsilon` and others. */
  prediction?: string
  /** Diffusion: the network is fed this times t, default 1. */
  timeScale?: number
  /** Diffusion: other names of the ports `x`, `t` and `net`, such as `{ x: 'sample' }`. */
  ports?: Partial<Record<'x' | 't' | 'net', string>>
  /** Autoregressive: the distribution of a pixel whose parameters the graph gives. */
  mixture?: Mixture
  /** Autoregressive: shape of one row of the input `condition`, for models that have it. */
  conditionShape?: number[]
  /** Sequence: tokens are 0..vocabulary - 1. */
  sequence?: { vocabulary: number; [extra: string]: unknown }
  /** Which side of a likelihood ratio the model was trained for, or that its rows are features of a classifier. */
  role?: 'semantic' | 'background' | 'features'
  /** How the training data of a background model were mutated; null for none. */
  mutation?: Mutation | null
  /** How it was trained: config, seed, epochs, git revision, hardware, wall time. */
  training?: Record<string, unknown>
  /** Figures on the test split, such as `bitsPerDim`, and the largest export error. */
  metrics?: Record<string, unknown>
  /** SHA-256 in lower-case hex of every file that `graphs` names. */
  sha256: Record<string, string>
  [extra: string]: unknown
}

/** A discretised mixture of logistics over the integers low..high. */
export interface Mixture {
  name: 'logistic'
  components: number
  low: number
  high: number
  /** What couples channels: values in [-1, 1] (`normalized`) or in [low, high] (`raw`). */
  channelDependence: 'normalized' | 'raw'
  [extra: string]: unknown
}

/** Every feature was replaced with probability `rate`: by another value (`categorical`) or by any (`uniform`). */
export interface Mutation {
  rate: number
  kind: 'categorical' | 'uniform'
  /** Smallest and largest value. */
  valueRange: [number, number]
  [extra: string]: unknown
}

/** Graph roles each kind must have, with the input and output names of each. */
export const GRAPH_ROLES: Readonly<Record<ModelKind, Readonly<Record<string, GraphPorts>>>> = {
  flow: {
    encode: { inputs: ['x'], outputs: ['z', 'logdet'] },
    decode: { inputs: ['z'], outputs: ['x'] },
  },
  diffusion: { score: { inputs: ['x', 't'], outputs: ['net'] } },
  autoregressive: { params: { inputs: ['x'], outputs: [] } },
  sequence: { logits: { inputs: [], outputs: ['logits'] } },
  classifier: { logits: { inputs: [], outputs: ['logits'] } },
  cvpn: { forward: { inputs: [], outputs: [] }, inverse: { inputs: [], outputs: [] } },
}

/** Input and output names a role must have; further ones are allowed. */
export interface GraphPorts {
  inputs: readonly string[]
  outputs: readonly string[]
}
