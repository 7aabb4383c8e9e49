import realm from './index.cjs'

export const { RealmError, startRealm } = realm
