export {
  addressKey,
  bareAddress,
  checkPrefix,
  type Groups,
  ipKey,
  ipv4Of,
  isAddressKey,
  isTranslated,
  parseIpv6,
} from './ip.js'
export { Networks } from './networks.js'
