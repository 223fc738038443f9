/** A program that imports this uses a store over a network, so its limiters may answer with promises. */
declare module './options.js' {
  interface StoreKinds {
    async: true
  }
}

export type {} from './options.js'
