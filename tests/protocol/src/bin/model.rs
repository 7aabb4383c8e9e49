fn main() { protocol::model::main(); }
