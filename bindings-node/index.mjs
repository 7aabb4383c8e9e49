// The same classes as `require` gives: an error of one must be an instance of the other's class. Required and not imported, as node starts
// a parser of its own for what it imports from CommonJS.
import { createRequire } from 'node:module'

export const {
  AuthorizationDeniedError,
  AuthorizationRequest,
  Client,
  ConfigurationError,
  ERROR_CODES,
  LoginRequiredError,
  SecurityCheckError,
  SipgateOAuth2Error,
  Store,
  StoreError,
  TemporaryError,
  TokenSet,
  TokenSource,
  VERSION,
  checkStore,
} = createRequire(import.meta.url)('./index.cjs')
