// The same classes as from `require`: an error of one must be an instance of the other's class.
// They are required and not imported, because Node starts a parser for what it imports from
// CommonJS.
import { createRequire } from 'node:module'

export const {
  AuthorizationDeniedError,
  AuthorizationRequest,
  Client,
  ConfigurationError,
  ERROR_CODES,
  LoginRequiredError,
  SecurityCheckError,
  ServerMetadata,
  SipgateOAuth2Error,
  Store,
  StoreError,
  TemporaryError,
  TokenSet,
  TokenSource,
  VERSION,
  checkStore,
} = createRequire(import.meta.url)('./index.cjs')
