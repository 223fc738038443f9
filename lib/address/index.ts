export { bareAddress, type Groups, ipKey, ipv4Of, isTranslated, parseIpv6 } from './ip.js'
