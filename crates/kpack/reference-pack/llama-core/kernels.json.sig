{
  "kpack_signature": 1,
  "signatures": [
    {
      "key_id": "0942cad60384aac55db33af08087de4d1f778536a4ccc16e49cade120b6a9bf5",
      "sig": "3e09e7faf8afe714f59f3151b6a5e1c9c1b7201e1ce456cfafd9377adf397eee90c020d8aca06a21fbdc1fbd4302009fc7f4740639a45e9036c290e8949c480a"
    }
  ]
}
