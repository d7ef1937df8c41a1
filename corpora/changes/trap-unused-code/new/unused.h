/* A struct and an inline function that nothing uses. */
struct unused {
    int first;
    char second;
    long third;
};

static inline int never_called(const struct unused *unused)
{
    return unused->first + unused->second - (int)unused->third;
}
