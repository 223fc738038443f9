/** The config of all routes of the console: an attack that is limited must not limit who looks at it. */
export const EXEMPT = { rateLimit: false } as const

/** The tag of the routes in OpenAPI. */
export const TAGS = ['rate limits']
