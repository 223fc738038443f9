export {
  addressKey,
  bareAddress,
  checkPrefix,
  type Groups,
  ipKey,
  ipv4Of,
  isTranslated,
  parseIpv6,
} from './ip.js'
