/* Stores by their URLs: what is refused, what is found, and who owns the user data of a password
 * function. */

#include "check.h"
#include "logins.h"

static char folder[] = "/tmp/sipgate-oauth2-XXXXXX", path[64], url[80];
static int freed;

static void count_freed(void *user_data)
{
    freed += *(int *)user_data;
}

static sipgate_oauth2_store_answer password_of(void *user_data, sipgate_oauth2_password *password,
                                               sipgate_oauth2_store_error_message *message)
{
    (void)user_data;
    (void)message;
    CHECK_REFUSED(sipgate_oauth2_password_set(password, NULL, &error), "text");
    CHECK_OK(sipgate_oauth2_password_set(password, "secret", &error));
    return SIPGATE_STORE_DONE;
}

static sipgate_oauth2_store *opened(const char *where, const sipgate_oauth2_store_options *options)
{
    sipgate_oauth2_store *store = NULL;

    CHECK_OK(sipgate_oauth2_store_open(where, options, &store, &error));
    return store;
}

static void check_no_findings(const sipgate_oauth2_store *store)
{
    sipgate_oauth2_store_findings *findings = NULL;

    CHECK_OK(sipgate_oauth2_store_check_settings(store, NULL, &findings, &error));
    CHECK(findings != NULL && sipgate_oauth2_store_findings_count(findings) == 0);
    CHECK(sipgate_oauth2_store_findings_at(findings, 0).data == NULL);
    sipgate_oauth2_store_findings_free(findings);
}

static void a_setter_says_which_argument_is_wrong(void)
{
    sipgate_oauth2_store_options *options = sipgate_oauth2_store_options_new();
    int one = 1;

    CHECK_TEXT(sipgate_oauth2_store_options_set_password(options, text, &error), "password");
    CHECK_TEXT(sipgate_oauth2_store_options_set_ca_certificates(options, text, &error), "ca_certificates");
    CHECK_TEXT(sipgate_oauth2_store_options_set_table(options, text, &error), "table");
    CHECK_TEXT(sipgate_oauth2_store_options_set_prefix(options, text, &error), "prefix");
    CHECK_REFUSED(sipgate_oauth2_store_options_set_durability(options, 3, &error), "durability");
    CHECK_REFUSED(sipgate_oauth2_store_options_set_password_function(options, NULL, &one, count_freed, &error), "function");
    CHECK_REFUSED(sipgate_oauth2_store_options_set_password(NULL, "secret", &error), "options");
    CHECK_REFUSED(sipgate_oauth2_store_options_set_password_function(NULL, password_of, &one, count_freed, &error), "options");
    CHECK_REFUSED(sipgate_oauth2_store_options_set_ca_certificates(NULL, "pem", &error), "options");
    CHECK_REFUSED(sipgate_oauth2_store_options_set_timeout_ms(NULL, 1000, &error), "options");
    CHECK_REFUSED(sipgate_oauth2_store_options_set_connections(NULL, 1, &error), "options");
    CHECK_REFUSED(sipgate_oauth2_store_options_set_table(NULL, "logins", &error), "options");
    CHECK_REFUSED(sipgate_oauth2_store_options_set_create_table(NULL, false, &error), "options");
    CHECK_REFUSED(sipgate_oauth2_store_options_set_prefix(NULL, "logins:", &error), "options");
    CHECK_REFUSED(sipgate_oauth2_store_options_set_durability(NULL, SIPGATE_DURABILITY_DISK, &error), "options");
    CHECK_REFUSED(sipgate_oauth2_store_options_set_replicas(NULL, 1, &error), "options");
    CHECK_REFUSED(sipgate_oauth2_password_set(NULL, "secret", &error), "password");
    CHECK(freed == 0);
    sipgate_oauth2_store_free(opened("memory:", options));
    sipgate_oauth2_store_options_free(options);
}

/* A store in memory has none of them, so each of them is refused by its name. */
static void each_setter_sets_its_option(void)
{
#define CHECK_SETS(name, ...)                                                                                          \
    do {                                                                                                               \
        sipgate_oauth2_store_options *options = sipgate_oauth2_store_options_new();                                    \
        CHECK_OK(sipgate_oauth2_store_options_##__VA_ARGS__);                                                          \
        CHECK_UNTOUCHED(sipgate_oauth2_store, sipgate_oauth2_store_open("memory:", options, &out, &error), name);      \
        sipgate_oauth2_store_options_free(options);                                                                    \
    } while (0)

    CHECK_SETS("password", set_password(options, "secret", &error));
    CHECK_SETS("password", set_password_function(options, password_of, NULL, NULL, &error));
    CHECK_SETS("ca_certificates", set_ca_certificates(options, "pem", &error));
    CHECK_SETS("timeout", set_timeout_ms(options, 2000, &error));
    CHECK_SETS("connections", set_connections(options, 1, &error));
    CHECK_SETS("table", set_table(options, "logins", &error));
    CHECK_SETS("create_table", set_create_table(options, true, &error));
    CHECK_SETS("prefix", set_prefix(options, "logins:", &error));
    CHECK_SETS("durability", set_durability(options, SIPGATE_DURABILITY_MEMORY, &error));
    CHECK_SETS("durability", set_durability(options, SIPGATE_DURABILITY_SERVER, &error));
    CHECK_SETS("replicas", set_replicas(options, 0, &error));
    CHECK_SETS("allow_network_file_system", allow_network_file_system(options, &error));
}

static void the_user_data_of_a_password_function_is_freed_once(void)
{
    sipgate_oauth2_store_options *options = sipgate_oauth2_store_options_new();
    int one = 1;

    freed = 0;
    CHECK_OK(sipgate_oauth2_store_options_set_password_function(options, password_of, &one, count_freed, &error));
    CHECK_OK(sipgate_oauth2_store_options_set_timeout_ms(options, 1000, &error));
    CHECK_REFUSED(sipgate_oauth2_store_options_set_table(options, NULL, &error), "table");
    CHECK(freed == 0);
    CHECK_UNTOUCHED(sipgate_oauth2_store, sipgate_oauth2_store_open("memory:", options, &out, &error), "password");
    CHECK(freed == 0);
    sipgate_oauth2_store_options_free(options);
    CHECK_SAYING(freed == 1, "freed %d times", freed);
}

static void a_mistake_in_a_url_is_refused_without_showing_it(void)
{
    sipgate_oauth2_store *store = NULL;
    sipgate_oauth2_error *error = NULL;

    CHECK_TEXT(sipgate_oauth2_store_open(text, NULL, &store, &error), "url");
    CHECK_REFUSED(sipgate_oauth2_store_open("memory:", NULL, NULL, &error), "store");
    CHECK(sipgate_oauth2_store_open("mysql://app:hunter2@db/app", NULL, &store, &error) == SIPGATE_INVALID_ARGUMENT);
    CHECK(store == NULL && strstr(sipgate_oauth2_error_message(error).data, "hunter2") == NULL);
    sipgate_oauth2_error_free(error);
}

static void a_store_that_works_has_no_findings(void)
{
    sipgate_oauth2_store *memory = opened("memory:", NULL), *sqlite = opened(url, NULL);
    sipgate_oauth2_store_findings *findings = NULL;
    char command[128];

    check_no_findings(memory);
    check_no_findings(sqlite);
    CHECK(access(path, F_OK) == 0);
    CHECK_REFUSED(sipgate_oauth2_store_check_settings(NULL, NULL, &findings, &error), "store");
    CHECK_REFUSED(sipgate_oauth2_store_check_settings(memory, NULL, NULL, &error), "findings");
    CHECK_UNTOUCHED(sipgate_oauth2_store_violations, sipgate_oauth2_store_check(memory, &out, &error), "store");
    CHECK(sipgate_oauth2_store_findings_count(NULL) == 0 && sipgate_oauth2_store_findings_at(NULL, 0).data == NULL);
    sipgate_oauth2_store_findings_free(NULL);
    sipgate_oauth2_store_free(sqlite);
    sipgate_oauth2_store_free(memory);
    snprintf(command, sizeof command, "rm -r '%s'*", path);
    CHECK(system(command) == 0);
}

int main(void)
{
    CHECK(mkdtemp(folder) != NULL);
    snprintf(path, sizeof path, "%s/logins.db", folder);
    snprintf(url, sizeof url, "sqlite://%s", path);
    a_setter_says_which_argument_is_wrong();
    each_setter_sets_its_option();
    the_user_data_of_a_password_function_is_freed_once();
    a_mistake_in_a_url_is_refused_without_showing_it();
    a_store_that_works_has_no_findings();
    CHECK(rmdir(folder) == 0);
    return checks_failed != 0;
}
