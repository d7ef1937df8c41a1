class Kept
{
    int value = 2;
};

Kept kept;
