/* Scores that are written to a file as they lie in memory, and read back. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct score {
    char player[8];
    long points;
};

static struct score scores[3];
static FILE *file;

static void setup(void)
{
    file = tmpfile();
    if (file == NULL) {
        exit(1);
    }
}

static void scores_save(void)
{
    rewind(file);
    for (const struct score *score = scores; score < scores + 3; score++) {
        if (fwrite(score, sizeof(struct score), 1, file) != 1) {
            exit(1);
        }
    }
}

static void scores_load(void)
{
    rewind(file);
    if (fread(scores, sizeof(struct score), 3, file) != 3) {
        memset(scores, 0, sizeof scores);
    }
}

static void command(const char *line)
{
    char player[8];
    int place, points;

    if (sscanf(line, "score %d %7s %d", &place, player, &points) == 3 && place >= 0 && place < 3) {
        strcpy(scores[place].player, player);
        scores[place].points = points;
        scores_save();
    } else if (strcmp(line, "load\n") == 0) {
        scores_load();
    }
}

static void dump(void)
{
    for (int at = 0; at < 3; at++) {
        printf("%s %ld\n", scores[at].player, (long)scores[at].points);
    }
}

int main(void)
{
    char line[128];

    setvbuf(stdout, NULL, _IOLBF, 0);
    setup();
    while (fgets(line, sizeof line, stdin) != NULL && strcmp(line, "quit\n") != 0) {
        if (strcmp(line, "dump\n") == 0) {
            dump();
            puts(".");
        } else {
            command(line);
        }
    }
    return 0;
}
