/* A loop in main, with state on its stack. */
#include <stdio.h>
#include <string.h>

static long seen;

int main(void)
{
    char line[128];
    int even = 0;

    setvbuf(stdout, NULL, _IOLBF, 0);
    while (fgets(line, sizeof line, stdin) != NULL && strcmp(line, "quit\n") != 0) {
        if (strcmp(line, "dump\n") == 0) {
            printf("%ld seen, %d even\n.\n", seen, even);
            continue;
        }
        seen++;
        even += seen % 2 == 0;
    }
    return 0;
}
