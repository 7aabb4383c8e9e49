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
  StoreError,
  TemporaryError,
  TokenSet,
  VERSION,
} = createRequire(import.meta.url)('./index.cjs')
