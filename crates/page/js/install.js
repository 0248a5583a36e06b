// install
