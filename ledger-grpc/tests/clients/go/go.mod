module points-ledger/json

go 1.18

require (
	golang.org/x/mod v0.17.0
	google.golang.org/protobuf v1.33.0
)
