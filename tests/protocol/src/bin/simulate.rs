fn main() { protocol::simulation::main(); }
