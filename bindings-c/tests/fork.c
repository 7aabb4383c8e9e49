/* A forked child uses its parent's client: over a connection of its own, while the parent goes on with its. */

#include "check.h"
#include "realm.h"

#include <sys/wait.h>
#include <unistd.h>

int main(void)
{
    sipgate_client *client = make_client();
    int status = -1;
    pid_t child;

    refused(client);
    child = fork();
    if (child == 0) {
        checks_failed = 0;
        refused(client);
        _exit(checks_failed != 0);
    }
    CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
    refused(client);
    sipgate_client_free(client);
    return checks_failed != 0;
}
