// The same classes as from `require`: an error of one must be an instance of the other's class. The
// import is static, so that bundlers follow it. It costs XX.
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
