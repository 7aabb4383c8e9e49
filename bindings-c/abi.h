/* The interface of the last release, without comments. `make lint` compares the header with it;
 * `make abi` accepts the current header. Generated; do not edit. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum sipgate_oauth2_status {
  SIPGATE_OK = 0,
  SIPGATE_INVALID_ARGUMENT = 101,
  SIPGATE_INVALID_CLIENT = 102,
  SIPGATE_WRONG_ENDPOINT = 103,
  SIPGATE_CERTIFICATE = 104,
  SIPGATE_UNSUPPORTED = 105,
  SIPGATE_OAUTH = 106,
  SIPGATE_TRANSPORT = 201,
  SIPGATE_TIMEOUT = 202,
  SIPGATE_OUTCOME_UNKNOWN = 203,
  SIPGATE_SERVER_UNAVAILABLE = 204,
  SIPGATE_BAD_RESPONSE = 205,
  SIPGATE_BUSY = 206,
  SIPGATE_LOGIN_REQUIRED = 301,
  SIPGATE_LOGIN_FAILED = 302,
  SIPGATE_LOGIN_EXPIRED = 303,
  SIPGATE_LOGIN_ALREADY_USED = 304,
  SIPGATE_AUTHORIZATION_DENIED = 401,
  SIPGATE_STATE_MISMATCH = 501,
  SIPGATE_ISSUER_MISMATCH = 502,
  SIPGATE_CALLBACK_REFUSED = 503,
  SIPGATE_NONCE_MISMATCH = 504,
  SIPGATE_ID_TOKEN = 505,
  SIPGATE_QUARANTINED = 506,
  SIPGATE_STORE_UNAVAILABLE = 601,
  SIPGATE_STORE_CORRUPT = 602,
  SIPGATE_STORE_FORMAT = 603,
  SIPGATE_STORE_PERMISSIONS = 604,
  SIPGATE_UNSAVED = 605,
  SIPGATE_CANCELLED = 701,
  SIPGATE_INTERNAL = 702,
};
typedef uint32_t sipgate_oauth2_status;
enum sipgate_oauth2_store_answer {
  SIPGATE_STORE_DONE = 0,
  SIPGATE_STORE_CONFLICT = 1,
  SIPGATE_STORE_FAILED = 2,
};
typedef uint32_t sipgate_oauth2_store_answer;
enum sipgate_oauth2_durability {
  SIPGATE_DURABILITY_DISK = 0,
  SIPGATE_DURABILITY_SERVER = 1,
  SIPGATE_DURABILITY_MEMORY = 2,
};
typedef uint32_t sipgate_oauth2_durability;
typedef struct sipgate_oauth2_authorization_code sipgate_oauth2_authorization_code;
typedef struct sipgate_oauth2_authorization_parameters sipgate_oauth2_authorization_parameters;
typedef struct sipgate_oauth2_authorization_request sipgate_oauth2_authorization_request;
typedef struct sipgate_oauth2_call_options sipgate_oauth2_call_options;
typedef struct sipgate_oauth2_cancel_token sipgate_oauth2_cancel_token;
typedef struct sipgate_oauth2_client sipgate_oauth2_client;
typedef struct sipgate_oauth2_client_options sipgate_oauth2_client_options;
typedef struct sipgate_oauth2_discovery_options sipgate_oauth2_discovery_options;
typedef struct sipgate_oauth2_error sipgate_oauth2_error;
typedef struct sipgate_oauth2_event sipgate_oauth2_event;
typedef struct sipgate_oauth2_json sipgate_oauth2_json;
typedef struct sipgate_oauth2_logout_parameters sipgate_oauth2_logout_parameters;
typedef struct sipgate_oauth2_password sipgate_oauth2_password;
typedef struct sipgate_oauth2_secret sipgate_oauth2_secret;
typedef struct sipgate_oauth2_store sipgate_oauth2_store;
typedef struct sipgate_oauth2_store_entry sipgate_oauth2_store_entry;
typedef struct sipgate_oauth2_store_error_message sipgate_oauth2_store_error_message;
typedef struct sipgate_oauth2_store_findings sipgate_oauth2_store_findings;
typedef struct sipgate_oauth2_store_keys sipgate_oauth2_store_keys;
typedef struct sipgate_oauth2_store_options sipgate_oauth2_store_options;
typedef struct sipgate_oauth2_store_violations sipgate_oauth2_store_violations;
typedef struct sipgate_oauth2_token_set sipgate_oauth2_token_set;
typedef struct sipgate_oauth2_token_source sipgate_oauth2_token_source;
typedef struct sipgate_oauth2_token_status sipgate_oauth2_token_status;
typedef struct {
  const char *data;
  size_t len;
} sipgate_oauth2_str;
typedef struct {
  const uint8_t *data;
  size_t len;
} sipgate_oauth2_bytes;
typedef sipgate_oauth2_store_answer(*sipgate_oauth2_password_function)( void *user_data, sipgate_oauth2_password *password, sipgate_oauth2_store_error_message *message);
typedef struct {
  size_t size;
  void *user_data;
  sipgate_oauth2_store_answer(*load)(void *user_data, const char *key, sipgate_oauth2_store_entry *entry, sipgate_oauth2_store_error_message *message);
  sipgate_oauth2_store_answer(*save)(void *user_data, const char *key, const char *expected_version, const sipgate_oauth2_store_entry *entry, sipgate_oauth2_store_error_message *message);
  void(*free)(void *user_data);
  sipgate_oauth2_store_answer(*keys)(void *user_data, const char *after, size_t limit, sipgate_oauth2_store_keys *keys, sipgate_oauth2_store_error_message *message);
} sipgate_oauth2_store_functions;
typedef void(*sipgate_oauth2_event_handler)(void *user_data, const sipgate_oauth2_event *event);
const char *sipgate_oauth2_version(void);
const char *sipgate_oauth2_status_name(sipgate_oauth2_status status);
const char *sipgate_oauth2_status_family(sipgate_oauth2_status status);
sipgate_oauth2_status sipgate_oauth2_status_at(size_t index);
sipgate_oauth2_status sipgate_oauth2_error_status(const sipgate_oauth2_error *error);
const char *sipgate_oauth2_error_name(const sipgate_oauth2_error *error);
const char *sipgate_oauth2_error_family(const sipgate_oauth2_error *error);
sipgate_oauth2_str sipgate_oauth2_error_message(const sipgate_oauth2_error *error);
sipgate_oauth2_str sipgate_oauth2_error_remedy(const sipgate_oauth2_error *error);
bool sipgate_oauth2_error_retryable(const sipgate_oauth2_error *error);
int64_t sipgate_oauth2_error_retry_after_ms(const sipgate_oauth2_error *error);
uint32_t sipgate_oauth2_error_http_status(const sipgate_oauth2_error *error);
sipgate_oauth2_str sipgate_oauth2_error_oauth_error(const sipgate_oauth2_error *error);
sipgate_oauth2_str sipgate_oauth2_error_oauth_error_description(const sipgate_oauth2_error *error);
sipgate_oauth2_str sipgate_oauth2_error_oauth_error_uri(const sipgate_oauth2_error *error);
sipgate_oauth2_str sipgate_oauth2_error_refresh_token(const sipgate_oauth2_error *error);
sipgate_oauth2_str sipgate_oauth2_error_cause(const sipgate_oauth2_error *error);
void sipgate_oauth2_error_free(sipgate_oauth2_error *error);
sipgate_oauth2_str sipgate_oauth2_secret_text(const sipgate_oauth2_secret *secret);
void sipgate_oauth2_secret_free(sipgate_oauth2_secret *secret);
sipgate_oauth2_str sipgate_oauth2_json_text(const sipgate_oauth2_json *json);
void sipgate_oauth2_json_free(sipgate_oauth2_json *json);
sipgate_oauth2_cancel_token *sipgate_oauth2_cancel_token_new(void);
void sipgate_oauth2_cancel_token_cancel(const sipgate_oauth2_cancel_token *cancel_token);
void sipgate_oauth2_cancel_token_free(sipgate_oauth2_cancel_token *cancel_token);
sipgate_oauth2_call_options *sipgate_oauth2_call_options_new(void);
sipgate_oauth2_status sipgate_oauth2_call_options_set_timeout_ms( sipgate_oauth2_call_options *options, uint64_t milliseconds, sipgate_oauth2_error **error);
sipgate_oauth2_status sipgate_oauth2_call_options_set_cancel_token( sipgate_oauth2_call_options *options, const sipgate_oauth2_cancel_token *cancel_token, sipgate_oauth2_error **error);
sipgate_oauth2_status sipgate_oauth2_call_options_set_min_validity_ms( sipgate_oauth2_call_options *options, uint64_t milliseconds, sipgate_oauth2_error **error);
void sipgate_oauth2_call_options_free(sipgate_oauth2_call_options *options);
sipgate_oauth2_store_options *sipgate_oauth2_store_options_new(void);
sipgate_oauth2_status sipgate_oauth2_store_options_add_encryption_key( sipgate_oauth2_store_options *options, const char *encryption_key, sipgate_oauth2_error **error);
sipgate_oauth2_status sipgate_oauth2_store_options_add_encryption_key_bytes( sipgate_oauth2_store_options *options, const uint8_t *encryption_key, size_t len, sipgate_oauth2_error **error);
sipgate_oauth2_status sipgate_oauth2_store_options_set_recheck_ms( sipgate_oauth2_store_options *options, uint64_t milliseconds, sipgate_oauth2_error **error);
sipgate_oauth2_status sipgate_oauth2_store_options_allow_network_file_system( sipgate_oauth2_store_options *options, sipgate_oauth2_error **error);
sipgate_oauth2_status sipgate_oauth2_store_options_set_password( sipgate_oauth2_store_options *options, const char *password, sipgate_oauth2_error **error);
sipgate_oauth2_status sipgate_oauth2_store_options_set_ca_certificates( sipgate_oauth2_store_options *options, const char *ca_certificates, sipgate_oauth2_error **error);
sipgate_oauth2_status sipgate_oauth2_store_options_set_timeout_ms( sipgate_oauth2_store_options *options, uint64_t milliseconds, sipgate_oauth2_error **error);
sipgate_oauth2_status sipgate_oauth2_store_options_set_connections( sipgate_oauth2_store_options *options, size_t connections, sipgate_oauth2_error **error);
sipgate_oauth2_status sipgate_oauth2_store_options_set_table( sipgate_oauth2_store_options *options, const char *table, sipgate_oauth2_error **error);
sipgate_oauth2_status sipgate_oauth2_store_options_set_create_table( sipgate_oauth2_store_options *options, bool create_table, sipgate_oauth2_error **error);
sipgate_oauth2_status sipgate_oauth2_store_options_set_prefix( sipgate_oauth2_store_options *options, const char *prefix, sipgate_oauth2_error **error);
sipgate_oauth2_status sipgate_oauth2_store_options_set_durability( sipgate_oauth2_store_options *options, sipgate_oauth2_durability durability, sipgate_oauth2_error **error);
sipgate_oauth2_status sipgate_oauth2_store_options_set_replicas( sipgate_oauth2_store_options *options, uint32_t replicas, sipgate_oauth2_error **error);
void sipgate_oauth2_store_options_free(sipgate_oauth2_store_options *options);
sipgate_oauth2_str sipgate_oauth2_store_entry_version(const sipgate_oauth2_store_entry *entry);
sipgate_oauth2_bytes sipgate_oauth2_store_entry_data(const sipgate_oauth2_store_entry *entry);
int64_t sipgate_oauth2_store_entry_expires_at(const sipgate_oauth2_store_entry *entry);
sipgate_oauth2_status sipgate_oauth2_store_entry_set_version( sipgate_oauth2_store_entry *entry, const char *version, sipgate_oauth2_error **error);
sipgate_oauth2_status sipgate_oauth2_store_entry_set_data( sipgate_oauth2_store_entry *entry, const uint8_t *data, size_t len, sipgate_oauth2_error **error);
sipgate_oauth2_status sipgate_oauth2_store_entry_set_expires_at( sipgate_oauth2_store_entry *entry, int64_t expires_at, sipgate_oauth2_error **error);
sipgate_oauth2_status sipgate_oauth2_store_keys_add( sipgate_oauth2_store_keys *keys, const char *key, sipgate_oauth2_error **error);
sipgate_oauth2_status sipgate_oauth2_store_error_message_set( sipgate_oauth2_store_error_message *message, const char *text, sipgate_oauth2_error **error);
sipgate_oauth2_status sipgate_oauth2_password_set( sipgate_oauth2_password *password, const char *text, sipgate_oauth2_error **error);
sipgate_oauth2_status sipgate_oauth2_store_options_set_password_function( sipgate_oauth2_store_options *options, sipgate_oauth2_password_function function, void *user_data, void(*free)(void *user_data), sipgate_oauth2_error **error);
sipgate_oauth2_status sipgate_oauth2_store_memory( const sipgate_oauth2_store_options *options, sipgate_oauth2_store **store, sipgate_oauth2_error **error);
sipgate_oauth2_status sipgate_oauth2_store_sqlite( const char *path, const sipgate_oauth2_store_options *options, sipgate_oauth2_store **store, sipgate_oauth2_error **error);
sipgate_oauth2_status sipgate_oauth2_store_open( const char *url, const sipgate_oauth2_store_options *options, sipgate_oauth2_store **store, sipgate_oauth2_error **error);
sipgate_oauth2_status sipgate_oauth2_store_new( const sipgate_oauth2_store_functions *functions, const sipgate_oauth2_store_options *options, sipgate_oauth2_store **store, sipgate_oauth2_error **error);
void sipgate_oauth2_store_free(sipgate_oauth2_store *store);
sipgate_oauth2_status sipgate_oauth2_store_check( const sipgate_oauth2_store *store, sipgate_oauth2_store_violations **violations, sipgate_oauth2_error **error);
size_t sipgate_oauth2_store_violations_count(const sipgate_oauth2_store_violations *violations);
sipgate_oauth2_str sipgate_oauth2_store_violations_at( const sipgate_oauth2_store_violations *violations, size_t index);
void sipgate_oauth2_store_violations_free(sipgate_oauth2_store_violations *violations);
sipgate_oauth2_status sipgate_oauth2_store_check_settings( const sipgate_oauth2_store *store, const sipgate_oauth2_call_options *options, sipgate_oauth2_store_findings **findings, sipgate_oauth2_error **error);
size_t sipgate_oauth2_store_findings_count(const sipgate_oauth2_store_findings *findings);
sipgate_oauth2_str sipgate_oauth2_store_findings_at( const sipgate_oauth2_store_findings *findings, size_t index);
void sipgate_oauth2_store_findings_free(sipgate_oauth2_store_findings *findings);
sipgate_oauth2_str sipgate_oauth2_event_kind(const sipgate_oauth2_event *event);
sipgate_oauth2_str sipgate_oauth2_event_json(const sipgate_oauth2_event *event);
bool sipgate_oauth2_event_is_warning(const sipgate_oauth2_event *event);
sipgate_oauth2_discovery_options *sipgate_oauth2_discovery_options_new(void);
sipgate_oauth2_status sipgate_oauth2_discovery_options_set_ca_certificates( sipgate_oauth2_discovery_options *options, const char *ca_certificates, sipgate_oauth2_error **error);
sipgate_oauth2_status sipgate_oauth2_discovery_options_set_proxy( sipgate_oauth2_discovery_options *options, const char *proxy, sipgate_oauth2_error **error);
sipgate_oauth2_status sipgate_oauth2_discovery_options_set_connect_timeout_ms( sipgate_oauth2_discovery_options *options, uint64_t milliseconds, sipgate_oauth2_error **error);
sipgate_oauth2_status sipgate_oauth2_discovery_options_set_request_timeout_ms( sipgate_oauth2_discovery_options *options, uint64_t milliseconds, sipgate_oauth2_error **error);
void sipgate_oauth2_discovery_options_free(sipgate_oauth2_discovery_options *options);
sipgate_oauth2_status sipgate_oauth2_discover( const char *issuer, const sipgate_oauth2_discovery_options *options, const sipgate_oauth2_call_options *call_options, sipgate_oauth2_json **metadata, sipgate_oauth2_error **error);
sipgate_oauth2_status sipgate_oauth2_client_options_new( const char *metadata, const char *client_id, sipgate_oauth2_client_options **options, sipgate_oauth2_error **error);
sipgate_oauth2_status sipgate_oauth2_client_options_new_sipgate( const char *client_id, sipgate_oauth2_client_options **options, sipgate_oauth2_error **error);
sipgate_oauth2_status sipgate_oauth2_client_options_new_keycloak( const char *base, const char *realm, const char *client_id, sipgate_oauth2_client_options **options, sipgate_oauth2_error **error);
sipgate_oauth2_status sipgate_oauth2_client_options_new_from_env( sipgate_oauth2_client_options **options, sipgate_oauth2_error **error);
sipgate_oauth2_status sipgate_oauth2_client_options_set_client_secret( sipgate_oauth2_client_options *options, const char *client_secret, sipgate_oauth2_error **error);
sipgate_oauth2_status sipgate_oauth2_client_options_set_client_authentication( sipgate_oauth2_client_options *options, const char *client_authentication, sipgate_oauth2_error **error);
sipgate_oauth2_status sipgate_oauth2_client_options_set_redirect_uri( sipgate_oauth2_client_options *options, const char *redirect_uri, sipgate_oauth2_error **error);
sipgate_oauth2_status sipgate_oauth2_client_options_set_realm( sipgate_oauth2_client_options *options, const char *realm, sipgate_oauth2_error **error);
sipgate_oauth2_status sipgate_oauth2_client_options_set_ca_certificates( sipgate_oauth2_client_options *options, const char *ca_certificates, sipgate_oauth2_error **error);
sipgate_oauth2_status sipgate_oauth2_client_options_set_proxy( sipgate_oauth2_client_options *options, const char *proxy, sipgate_oauth2_error **error);
sipgate_oauth2_status sipgate_oauth2_client_options_set_connect_timeout_ms( sipgate_oauth2_client_options *options, uint64_t milliseconds, sipgate_oauth2_error **error);
sipgate_oauth2_status sipgate_oauth2_client_options_set_request_timeout_ms( sipgate_oauth2_client_options *options, uint64_t milliseconds, sipgate_oauth2_error **error);
sipgate_oauth2_status sipgate_oauth2_client_options_set_id_token_signed_response_alg( sipgate_oauth2_client_options *options, const char *id_token_signed_response_alg, sipgate_oauth2_error **error);
sipgate_oauth2_status sipgate_oauth2_client_options_set_trusted_audiences( sipgate_oauth2_client_options *options, const char *trusted_audiences, sipgate_oauth2_error **error);
sipgate_oauth2_status sipgate_oauth2_client_options_set_leeway_ms( sipgate_oauth2_client_options *options, uint64_t milliseconds, sipgate_oauth2_error **error);
sipgate_oauth2_status sipgate_oauth2_client_options_set_store( sipgate_oauth2_client_options *options, const sipgate_oauth2_store *store, sipgate_oauth2_error **error);
sipgate_oauth2_status sipgate_oauth2_client_options_set_event_handler( sipgate_oauth2_client_options *options, sipgate_oauth2_event_handler handler, void *user_data, void(*free)(void *user_data), sipgate_oauth2_error **error);
void sipgate_oauth2_client_options_free(sipgate_oauth2_client_options *options);
sipgate_oauth2_status sipgate_oauth2_client_new( const sipgate_oauth2_client_options *options, sipgate_oauth2_client **client, sipgate_oauth2_error **error);
sipgate_oauth2_status sipgate_oauth2_client_authorization_request( const sipgate_oauth2_client *client, const char *scope, const sipgate_oauth2_authorization_parameters *parameters, sipgate_oauth2_authorization_request **request, sipgate_oauth2_error **error);
sipgate_oauth2_status sipgate_oauth2_client_exchange_callback( const sipgate_oauth2_client *client, const sipgate_oauth2_authorization_request *request, const char *callback, const sipgate_oauth2_call_options *options, sipgate_oauth2_token_set **tokens, sipgate_oauth2_error **error);
sipgate_oauth2_status sipgate_oauth2_client_exchange_code( const sipgate_oauth2_client *client, const sipgate_oauth2_authorization_code *code, const sipgate_oauth2_call_options *options, sipgate_oauth2_token_set **tokens, sipgate_oauth2_error **error);
sipgate_oauth2_status sipgate_oauth2_client_refresh( const sipgate_oauth2_client *client, const char *refresh_token, const char *scope, const sipgate_oauth2_call_options *options, sipgate_oauth2_token_set **tokens, sipgate_oauth2_error **error);
sipgate_oauth2_status sipgate_oauth2_client_refresh_tokens( const sipgate_oauth2_client *client, const sipgate_oauth2_token_set *old_tokens, const char *scope, const sipgate_oauth2_call_options *options, sipgate_oauth2_token_set **tokens, sipgate_oauth2_error **error);
sipgate_oauth2_status sipgate_oauth2_client_complete_login( const sipgate_oauth2_client *client, const sipgate_oauth2_authorization_request *request, const char *callback, const char *account, const sipgate_oauth2_call_options *options, sipgate_oauth2_token_source **source, sipgate_oauth2_error **error);
sipgate_oauth2_status sipgate_oauth2_client_token_source( const sipgate_oauth2_client *client, const char *account, sipgate_oauth2_token_source **source, sipgate_oauth2_error **error);
sipgate_oauth2_status sipgate_oauth2_client_accounts( const sipgate_oauth2_client *client, const char *after, const sipgate_oauth2_call_options *options, sipgate_oauth2_json **accounts, sipgate_oauth2_error **error);
sipgate_oauth2_status sipgate_oauth2_client_keep_alive( const sipgate_oauth2_client *client, uint64_t idle_seconds, const sipgate_oauth2_call_options *options, sipgate_oauth2_json **report, sipgate_oauth2_error **error);
sipgate_oauth2_status sipgate_oauth2_client_accept_logout_token( const sipgate_oauth2_client *client, const char *logout_token, const sipgate_oauth2_call_options *options, sipgate_oauth2_json **accounts, sipgate_oauth2_error **error);
sipgate_oauth2_status sipgate_oauth2_client_introspect( const sipgate_oauth2_client *client, const char *token, const sipgate_oauth2_call_options *options, sipgate_oauth2_json **introspection, sipgate_oauth2_error **error);
sipgate_oauth2_status sipgate_oauth2_client_revoke( const sipgate_oauth2_client *client, const char *token, const sipgate_oauth2_call_options *options, sipgate_oauth2_error **error);
sipgate_oauth2_status sipgate_oauth2_client_logout_url( const sipgate_oauth2_client *client, const sipgate_oauth2_token_source *source, const sipgate_oauth2_logout_parameters *parameters, const sipgate_oauth2_call_options *options, sipgate_oauth2_secret **url, sipgate_oauth2_error **error);
sipgate_oauth2_status sipgate_oauth2_client_check_logout_response( const sipgate_oauth2_client *client, const char *callback, const char *state, sipgate_oauth2_error **error);
sipgate_oauth2_str sipgate_oauth2_client_metadata(const sipgate_oauth2_client *client);
sipgate_oauth2_str sipgate_oauth2_client_issuer(const sipgate_oauth2_client *client);
sipgate_oauth2_str sipgate_oauth2_client_token_endpoint(const sipgate_oauth2_client *client);
sipgate_oauth2_str sipgate_oauth2_client_client_id(const sipgate_oauth2_client *client);
sipgate_oauth2_str sipgate_oauth2_client_redirect_uri(const sipgate_oauth2_client *client);
void sipgate_oauth2_client_free(sipgate_oauth2_client *client);
sipgate_oauth2_authorization_parameters *sipgate_oauth2_authorization_parameters_new(void);
sipgate_oauth2_status sipgate_oauth2_authorization_parameters_set_redirect_uri( sipgate_oauth2_authorization_parameters *parameters, const char *redirect_uri, sipgate_oauth2_error **error);
sipgate_oauth2_status sipgate_oauth2_authorization_parameters_set_response_mode( sipgate_oauth2_authorization_parameters *parameters, const char *response_mode, sipgate_oauth2_error **error);
sipgate_oauth2_status sipgate_oauth2_authorization_parameters_set_state( sipgate_oauth2_authorization_parameters *parameters, const char *state, sipgate_oauth2_error **error);
sipgate_oauth2_status sipgate_oauth2_authorization_parameters_set_return_to( sipgate_oauth2_authorization_parameters *parameters, const char *return_to, sipgate_oauth2_error **error);
sipgate_oauth2_status sipgate_oauth2_authorization_parameters_set_prompt( sipgate_oauth2_authorization_parameters *parameters, const char *prompt, sipgate_oauth2_error **error);
sipgate_oauth2_status sipgate_oauth2_authorization_parameters_set_login_hint( sipgate_oauth2_authorization_parameters *parameters, const char *login_hint, sipgate_oauth2_error **error);
sipgate_oauth2_status sipgate_oauth2_authorization_parameters_set_ui_locales( sipgate_oauth2_authorization_parameters *parameters, const char *ui_locales, sipgate_oauth2_error **error);
sipgate_oauth2_status sipgate_oauth2_authorization_parameters_set_max_age( sipgate_oauth2_authorization_parameters *parameters, int64_t seconds, sipgate_oauth2_error **error);
sipgate_oauth2_status sipgate_oauth2_authorization_parameters_set_acr_values( sipgate_oauth2_authorization_parameters *parameters, const char *acr_values, sipgate_oauth2_error **error);
sipgate_oauth2_status sipgate_oauth2_authorization_parameters_set_claims( sipgate_oauth2_authorization_parameters *parameters, const char *claims, sipgate_oauth2_error **error);
sipgate_oauth2_status sipgate_oauth2_authorization_parameters_set_id_token_hint( sipgate_oauth2_authorization_parameters *parameters, const char *id_token_hint, sipgate_oauth2_error **error);
sipgate_oauth2_status sipgate_oauth2_authorization_parameters_add_extra( sipgate_oauth2_authorization_parameters *parameters, const char *name, const char *value, sipgate_oauth2_error **error);
void sipgate_oauth2_authorization_parameters_free( sipgate_oauth2_authorization_parameters *parameters);
sipgate_oauth2_status sipgate_oauth2_authorization_request_restore( const char *exported, sipgate_oauth2_authorization_request **request, sipgate_oauth2_error **error);
sipgate_oauth2_status sipgate_oauth2_authorization_request_export( const sipgate_oauth2_authorization_request *request, sipgate_oauth2_secret **exported, sipgate_oauth2_error **error);
sipgate_oauth2_status sipgate_oauth2_authorization_request_seal( const sipgate_oauth2_authorization_request *request, const char *encryption_keys, sipgate_oauth2_secret **sealed, sipgate_oauth2_error **error);
sipgate_oauth2_status sipgate_oauth2_authorization_request_unseal( const char *sealed, const char *encryption_keys, sipgate_oauth2_authorization_request **request, sipgate_oauth2_error **error);
sipgate_oauth2_str sipgate_oauth2_authorization_request_url( const sipgate_oauth2_authorization_request *request);
sipgate_oauth2_str sipgate_oauth2_authorization_request_state( const sipgate_oauth2_authorization_request *request);
sipgate_oauth2_str sipgate_oauth2_authorization_request_nonce( const sipgate_oauth2_authorization_request *request);
sipgate_oauth2_str sipgate_oauth2_authorization_request_redirect_uri( const sipgate_oauth2_authorization_request *request);
sipgate_oauth2_str sipgate_oauth2_authorization_request_scope( const sipgate_oauth2_authorization_request *request);
sipgate_oauth2_str sipgate_oauth2_authorization_request_return_to( const sipgate_oauth2_authorization_request *request);
int64_t sipgate_oauth2_authorization_request_created_at( const sipgate_oauth2_authorization_request *request);
int64_t sipgate_oauth2_authorization_request_expires_at( const sipgate_oauth2_authorization_request *request);
void sipgate_oauth2_authorization_request_free(sipgate_oauth2_authorization_request *request);
sipgate_oauth2_status sipgate_oauth2_authorization_code_new( const char *code, sipgate_oauth2_authorization_code **authorization_code, sipgate_oauth2_error **error);
sipgate_oauth2_status sipgate_oauth2_authorization_code_set_code_verifier( sipgate_oauth2_authorization_code *code, const char *code_verifier, sipgate_oauth2_error **error);
sipgate_oauth2_status sipgate_oauth2_authorization_code_set_redirect_uri( sipgate_oauth2_authorization_code *code, const char *redirect_uri, sipgate_oauth2_error **error);
sipgate_oauth2_status sipgate_oauth2_authorization_code_set_scope( sipgate_oauth2_authorization_code *code, const char *scope, sipgate_oauth2_error **error);
sipgate_oauth2_status sipgate_oauth2_authorization_code_set_nonce( sipgate_oauth2_authorization_code *code, const char *nonce, sipgate_oauth2_error **error);
void sipgate_oauth2_authorization_code_free(sipgate_oauth2_authorization_code *code);
sipgate_oauth2_logout_parameters *sipgate_oauth2_logout_parameters_new(void);
sipgate_oauth2_status sipgate_oauth2_logout_parameters_set_id_token_hint( sipgate_oauth2_logout_parameters *parameters, const char *id_token_hint, sipgate_oauth2_error **error);
sipgate_oauth2_status sipgate_oauth2_logout_parameters_set_post_logout_redirect_uri( sipgate_oauth2_logout_parameters *parameters, const char *post_logout_redirect_uri, sipgate_oauth2_error **error);
sipgate_oauth2_status sipgate_oauth2_logout_parameters_set_state( sipgate_oauth2_logout_parameters *parameters, const char *state, sipgate_oauth2_error **error);
sipgate_oauth2_status sipgate_oauth2_logout_parameters_set_logout_hint( sipgate_oauth2_logout_parameters *parameters, const char *logout_hint, sipgate_oauth2_error **error);
sipgate_oauth2_status sipgate_oauth2_logout_parameters_set_ui_locales( sipgate_oauth2_logout_parameters *parameters, const char *ui_locales, sipgate_oauth2_error **error);
void sipgate_oauth2_logout_parameters_free(sipgate_oauth2_logout_parameters *parameters);
sipgate_oauth2_status sipgate_oauth2_token_set_restore( const char *json, sipgate_oauth2_token_set **tokens, sipgate_oauth2_error **error);
sipgate_oauth2_status sipgate_oauth2_token_set_export( const sipgate_oauth2_token_set *tokens, sipgate_oauth2_secret **secret, sipgate_oauth2_error **error);
sipgate_oauth2_status sipgate_oauth2_token_set_access_token( const sipgate_oauth2_token_set *tokens, sipgate_oauth2_secret **secret, sipgate_oauth2_error **error);
sipgate_oauth2_status sipgate_oauth2_token_set_authorization_header( const sipgate_oauth2_token_set *tokens, sipgate_oauth2_secret **secret, sipgate_oauth2_error **error);
sipgate_oauth2_status sipgate_oauth2_token_set_refresh_token( const sipgate_oauth2_token_set *tokens, sipgate_oauth2_secret **secret, sipgate_oauth2_error **error);
sipgate_oauth2_status sipgate_oauth2_token_set_id_token( const sipgate_oauth2_token_set *tokens, sipgate_oauth2_secret **secret, sipgate_oauth2_error **error);
bool sipgate_oauth2_token_set_id_token_kept(const sipgate_oauth2_token_set *tokens);
bool sipgate_oauth2_token_set_id_token_verified(const sipgate_oauth2_token_set *tokens);
sipgate_oauth2_str sipgate_oauth2_token_set_claims_json(const sipgate_oauth2_token_set *tokens);
sipgate_oauth2_str sipgate_oauth2_token_set_token_type(const sipgate_oauth2_token_set *tokens);
sipgate_oauth2_str sipgate_oauth2_token_set_scope(const sipgate_oauth2_token_set *tokens);
sipgate_oauth2_str sipgate_oauth2_token_set_extra_json(const sipgate_oauth2_token_set *tokens);
int64_t sipgate_oauth2_token_set_expires_at(const sipgate_oauth2_token_set *tokens);
int64_t sipgate_oauth2_token_set_refresh_expires_at(const sipgate_oauth2_token_set *tokens);
void sipgate_oauth2_token_set_free(sipgate_oauth2_token_set *tokens);
sipgate_oauth2_str sipgate_oauth2_token_status_state(const sipgate_oauth2_token_status *status);
uint64_t sipgate_oauth2_token_status_generation(const sipgate_oauth2_token_status *status);
int64_t sipgate_oauth2_token_status_expires_at(const sipgate_oauth2_token_status *status);
int64_t sipgate_oauth2_token_status_refresh_expires_at(const sipgate_oauth2_token_status *status);
sipgate_oauth2_str sipgate_oauth2_token_status_scope(const sipgate_oauth2_token_status *status);
const sipgate_oauth2_error *sipgate_oauth2_token_status_last_error( const sipgate_oauth2_token_status *status);
bool sipgate_oauth2_token_status_unsaved(const sipgate_oauth2_token_status *status);
void sipgate_oauth2_token_status_free(sipgate_oauth2_token_status *status);
sipgate_oauth2_status sipgate_oauth2_token_source_access_token( const sipgate_oauth2_token_source *source, const sipgate_oauth2_call_options *options, sipgate_oauth2_secret **secret, sipgate_oauth2_error **error);
sipgate_oauth2_status sipgate_oauth2_token_source_authorization_header( const sipgate_oauth2_token_source *source, const sipgate_oauth2_call_options *options, sipgate_oauth2_secret **secret, sipgate_oauth2_error **error);
sipgate_oauth2_status sipgate_oauth2_token_source_peek( const sipgate_oauth2_token_source *source, sipgate_oauth2_secret **secret, sipgate_oauth2_error **error);
sipgate_oauth2_status sipgate_oauth2_token_source_invalidate( const sipgate_oauth2_token_source *source, const char *access_token, sipgate_oauth2_error **error);
sipgate_oauth2_status sipgate_oauth2_token_source_refresh( const sipgate_oauth2_token_source *source, const sipgate_oauth2_call_options *options, sipgate_oauth2_secret **secret, sipgate_oauth2_error **error);
sipgate_oauth2_status sipgate_oauth2_token_source_save( const sipgate_oauth2_token_source *source, const sipgate_oauth2_token_set *tokens, const sipgate_oauth2_call_options *options, sipgate_oauth2_error **error);
sipgate_oauth2_status sipgate_oauth2_token_source_status( const sipgate_oauth2_token_source *source, const sipgate_oauth2_call_options *options, sipgate_oauth2_token_status **status, sipgate_oauth2_error **error);
sipgate_oauth2_status sipgate_oauth2_token_source_claims( const sipgate_oauth2_token_source *source, const sipgate_oauth2_call_options *options, sipgate_oauth2_json **claims, sipgate_oauth2_error **error);
sipgate_oauth2_status sipgate_oauth2_token_source_userinfo( const sipgate_oauth2_token_source *source, const sipgate_oauth2_call_options *options, sipgate_oauth2_json **claims, sipgate_oauth2_error **error);
sipgate_oauth2_status sipgate_oauth2_token_source_logout( const sipgate_oauth2_token_source *source, const sipgate_oauth2_call_options *options, bool *revoked, sipgate_oauth2_error **error);
sipgate_oauth2_status sipgate_oauth2_token_source_forget( const sipgate_oauth2_token_source *source, const sipgate_oauth2_call_options *options, bool *revoked, sipgate_oauth2_error **error);
sipgate_oauth2_status sipgate_oauth2_token_source_ensure_saved( const sipgate_oauth2_token_source *source, sipgate_oauth2_error **error);
sipgate_oauth2_str sipgate_oauth2_token_source_account(const sipgate_oauth2_token_source *source);
sipgate_oauth2_str sipgate_oauth2_token_source_account_hash( const sipgate_oauth2_token_source *source);
void sipgate_oauth2_token_source_free(sipgate_oauth2_token_source *source);
