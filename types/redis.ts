/** A program that uses a store over a network awaits what limiters answer. */
declare module './options.js' {
  interface StoreKinds {
    async: true
  }
}

export type {} from './options.js'
