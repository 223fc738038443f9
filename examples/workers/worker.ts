import { parentPort, workerData } from 'node:worker_threads'
import { buildApp } from './app.js'

const { memory, listen } = workerData
const app = await buildApp(memory)
// The only message asks the thread to end.
parentPort?.once('message', () => app.close())
parentPort?.postMessage(await app.listen(listen))
