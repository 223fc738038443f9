import { parentPort, workerData } from 'node:worker_threads'
import { buildApp } from './app.js'

const { memory, listen } = workerData
const app = await buildApp(memory)
// The only message there is: an end to it.
parentPort?.once('message', () => app.close())
parentPort?.postMessage(await app.listen(listen))
