// The same classes as from `require`: an error of one must be an instance of the other's class. The
// import is static, so that bundlers follow it. For that, Node 20 and 22 load a parser of CommonJS,
// which takes 1 to 3 ms of CPU.
import sipgateOAuth2 from './index.cjs'

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
} = sipgateOAuth2
