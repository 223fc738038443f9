import auth from '@fastify/auth'
import basicAuth from '@fastify/basic-auth'
import bearerAuth from '@fastify/bearer-auth'
import cookie from '@fastify/cookie'
import jwt from '@fastify/jwt'
import session from '@fastify/session'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { ok } from '../../support/app.js'

/** Sets the user of a request, or ends with an error. */
export type Check = (request: FastifyRequest, reply: FastifyReply, done: (error?: Error) => void) => void

type Headers = Record<string, string>

/** A way to authenticate. Each of them leaves `{ sub }` in `request.user`. */
export interface Way {
  /** Loads its plugins into a scope, and returns the function that checks requests. */
  setUp(scope: FastifyInstance): Promise<Check>
  /** Headers by which an app knows a user. */
  headersOf(app: FastifyInstance, name: string): Headers | Promise<Headers>
}

interface User {
  sub: string
}

/** The key strategy of these tests: what an application with any of these plugins writes. */
export const sub = (request: FastifyRequest) => (request.user as User | null)?.sub

export function setUser(request: FastifyRequest, name: string | undefined): void {
  Object.assign(request, { user: name === undefined ? null : { sub: name } })
}

const SECRET = 'a secret of at least 32 characters, for tests'

/** The user that the header `x-token` names, as a hook does it that somebody has written by hand. */
export const byHand: Check = (request, _reply, done) => {
  const [, name] = /^token of (\w+)$/.exec(String(request.headers['x-token'])) ?? []
  setUser(request, name)
  done(name === undefined ? Object.assign(new Error('who are you?'), { statusCode: 401 }) : undefined)
}

const handWritten: Way = {
  setUp: async (scope) => {
    scope.decorateRequest('user', null as never)
    return byHand
  },
  headersOf: (_app, name) => ({ 'x-token': `token of ${name}` }),
}

export const WAYS: Readonly<Record<string, Way>> = {
  'a hand-written hook': handWritten,
  '@fastify/jwt': {
    setUp: async (scope) => {
      await scope.register(jwt, { secret: SECRET })
      // Signing needs no scope of its own in an application; here, scopes differ from row to row.
      signers.set(root(scope), (claims) => scope.jwt.sign(claims))
      return (request, _reply, done) => void request.jwtVerify().then(() => done(), done)
    },
    headersOf: (app, name) => ({ authorization: `Bearer ${signers.get(root(app))?.({ sub: name })}` }),
  },
  '@fastify/auth': {
    ...handWritten,
    setUp: async (scope) => {
      await scope.register(auth)
      const check = await handWritten.setUp(scope)
      return scope.auth([check as never]) as unknown as Check
    },
  },
  '@fastify/basic-auth': {
    setUp: async (scope) => {
      scope.decorateRequest('user', null as never)
      await scope.register(basicAuth, {
        authenticate: true,
        validate: async (name, password, request) => {
          if (password !== 'right') throw new Error('wrong password')
          setUser(request, name)
        },
      })
      return scope.basicAuth as unknown as Check
    },
    headersOf: (_app, name) => ({
      authorization: `Basic ${Buffer.from(`${name}:right`).toString('base64')}`,
    }),
  },
  '@fastify/bearer-auth': {
    setUp: async (scope) => {
      scope.decorateRequest('user', null as never)
      await scope.register(bearerAuth, {
        addHook: false,
        keys: new Set<string>(),
        // The plugin gives no user: this function does.
        auth: async (token, request) => {
          const [, name] = /^token-of-(\w+)$/.exec(token) ?? []
          setUser(request, name)
          return name !== undefined
        },
      })
      return scope.verifyBearerAuth as unknown as Check
    },
    headersOf: (_app, name) => ({ authorization: `Bearer token-of-${name}` }),
  },
  '@fastify/session': {
    setUp: async (scope) => {
      scope.decorateRequest('user', null as never)
      await scope.register(cookie)
      await scope.register(session, { secret: SECRET, cookie: { secure: false } })
      scope.post<{ Params: User }>('/login/:sub', { config: { rateLimit: false } }, async (request) => {
        Object.assign(request.session, { name: request.params.sub })
        return ok()
      })
      return (request, _reply, done) => {
        const { name } = request.session as { name?: string }
        setUser(request, name)
        done()
      }
    },
    headersOf: async (app, name) => {
      const { cookies } = await app.inject({ method: 'POST', url: `/login/${name}` })
      return { cookie: `${cookies[0].name}=${encodeURIComponent(cookies[0].value)}` }
    },
  },
}

const signers = new WeakMap<object, (claims: User) => string>()

/** The server is one for all scopes of an app. */
const root = (scope: FastifyInstance): object => scope.server
