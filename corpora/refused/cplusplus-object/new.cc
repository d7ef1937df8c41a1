struct Kept { int value; virtual ~Kept(); };
Kept::~Kept() {}
Kept kept;
