// Writes one file over and over, each time a megabyte of one letter, until it is killed.
import { writeFileAtomicSync } from '@ood/core/node'

const path = process.argv[2]!
for (let i = 0; ; i++) {
  writeFileAtomicSync(path, String.fromCharCode(97 + (i % 26)).repeat(2 ** 20))
  if (i === 0) process.stdout.write('ready\n')
}
