/* Tags that hang on articles that hang on a list: two steps on the heap from any variable. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct tag {
    unsigned char weight;
    char word[12];
    struct tag *next;
};

struct article {
    int id;
    struct tag *tags;
    struct article *next;
};

static struct article *articles;

static void command(const char *line)
{
    char word[12];
    int id;

    if (sscanf(line, "article %d", &id) == 1) {
        struct article *article = calloc(1, sizeof *article);
        if (article == NULL) {
            exit(1);
        }
        article->id = id;
        article->next = articles;
        articles = article;
    } else if (sscanf(line, "tag %11s", word) == 1 && articles != NULL) {
        struct tag *tag = calloc(1, sizeof *tag);
        if (tag == NULL) {
            exit(1);
        }
        tag->weight = (unsigned char)strlen(word);
        strcpy(tag->word, word);
        tag->next = articles->tags;
        articles->tags = tag;
    }
}

static void dump(void)
{
    for (const struct article *article = articles; article != NULL; article = article->next) {
        printf("%d", article->id);
        for (const struct tag *tag = article->tags; tag != NULL; tag = tag->next) {
            printf(" %s", tag->word);
        }
        printf("\n");
    }
}

int main(void)
{
    char line[128];

    setvbuf(stdout, NULL, _IOLBF, 0);
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
