// The data sets known by name: official sources, files, and the SHA-256 of their contents.
import { unknownName } from '@ood/core'

/** One file of a data set. */
export interface DataFile {
  /** Official file name. */
  file: string
  /**
   * SHA-256 of what is inside: of the unzipped IDX file, or of the names and bytes of a zip's images in sorted order.
   * It does not depend on how the archive was packed, so a re-compressed or unpacked copy passes too.
   */
  sha256: string
  /** No download or archive of this file may be larger, in bytes; its contents likewise. */
  maxBytes: number
}

/** A data set known by name. */
export interface Source {
  aliases: readonly string[]
  /** Folders under a data folder where the files may lie; the first is also the one in the cache. */
  folders: readonly string[]
  /** Base addresses, tried in order. */
  urls: readonly string[]
  /** Class names by label; empty where the folders inside the archive name them. */
  classes: readonly string[]
  /** IDX data sets: images and labels of each split. */
  idx?: Readonly<Record<OwnSplit, { images: DataFile; labels: DataFile }>>
  /** Zips of images that together make one pool, from which a tenth is the test split. */
  zips?: readonly DataFile[]
}

/**
 * Which part of a data set: `train` is all of the official training images, `validation` is a part of those that choices
 * may look at, `test` is for final figures.
 */
export type Split = 'train' | 'validation' | 'test'

/** The parts that have images of their own. */
export type OwnSplit = Exclude<Split, 'validation'>

const IDX_BYTES = 2 ** 26
const idxFile = (file: string, sha256: string): DataFile => ({ file, sha256, maxBytes: IDX_BYTES })

/** Data sets by canonical name. */
export const sources: Readonly<Record<string, Source>> = {
  mnist: {
    aliases: [],
    folders: ['mnist', 'MNIST/raw'],
    urls: ['https://ossci-datasets.s3.amazonaws.com/mnist/', 'https://storage.googleapis.com/cvdf-datasets/mnist/'],
    classes: ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'],
    idx: {
      train: {
        images: idxFile(
          'train-images-idx3-ubyte.gz',
          'ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db',
        ),
        labels: idxFile(
          'train-labels-idx1-ubyte.gz',
          '65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5',
        ),
      },
      test: {
        images: idxFile(
          't10k-images-idx3-ubyte.gz',
          '0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7',
        ),
        labels: idxFile(
          't10k-labels-idx1-ubyte.gz',
          'ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2',
        ),
      },
    },
  },
  'fashion-mnist': {
    aliases: ['fmnist', 'fashion_mnist'],
    folders: ['fashion-mnist', 'FashionMNIST/raw'],
    urls: ['http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/'],
    classes: ['T-shirt/top', 'Trouser', 'Pullover', 'Dress', 'Coat', 'Sandal', 'Shirt', 'Sneaker', 'Bag', 'Ankle boot'],
    idx: {
      train: {
        images: idxFile(
          'train-images-idx3-ubyte.gz',
          'c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888',
        ),
        labels: idxFile(
          'train-labels-idx1-ubyte.gz',
          'bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9',
        ),
      },
      test: {
        images: idxFile(
          't10k-images-idx3-ubyte.gz',
          '5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b',
        ),
        labels: idxFile(
          't10k-labels-idx1-ubyte.gz',
          '0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34',
        ),
      },
    },
  },
  omniglot: {
    aliases: [],
    folders: ['omniglot'],
    urls: ['https://raw.githubusercontent.com/brendenlake/omniglot/master/python/'],
    classes: [],
    zips: [
      {
        file: 'images_background_small1.zip',
        sha256: 'aac1da404020f9e5eea0e272ed832ed7b4c7de93eaebbce38a6f029c79c33c2b',
        maxBytes: 2 ** 25,
      },
      {
        file: 'images_background_small2.zip',
        sha256: '784f904710ec3612bc1c455af21a4dd77f810a4b2ea2292ce7a95e49dcdbbb7d',
        maxBytes: 2 ** 25,
      },
    ],
  },
}

/** Names of the registered data sets. */
export const datasetNames: readonly string[] = Object.keys(sources)

/** The data set of a name or alias; throws `E_UNKNOWN_NAME` for any other. */
export function sourceOf(name: string): { canonical: string; source: Source } {
  const canonical = datasetNames.find((known) => known === name || sources[known]!.aliases.includes(name))
  if (canonical !== undefined) return { canonical, source: sources[canonical]! }
  throw unknownName('data set', name, [...datasetNames, ...datasetNames.flatMap((known) => sources[known]!.aliases)])
}
