/* A loop that main calls and that never returns. */
#include <stdio.h>
#include <string.h>

static long seen;

static void serve(FILE *in)
{
    char line[128];

    while (fgets(line, sizeof line, in) != NULL && strcmp(line, "quit\n") != 0) {
        if (strcmp(line, "dump\n") == 0) {
            printf("%ld lines\n.\n", seen);
        } else {
            seen++;
        }
    }
}

int main(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    serve(stdin);
    return 0;
}
