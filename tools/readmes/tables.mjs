// scores.csv as our writers leave it, and by-hand.csv without a last line end.
import { writeFileSync } from 'node:fs'
import { writeCsv } from '@ood/datasets'

await writeCsv('scores.csv', { log_prob: [-2345.6789, -2300.5], lid: [12, 40] })
writeFileSync('by-hand.csv', 'log_prob,lid\n-2345.6789,12')
