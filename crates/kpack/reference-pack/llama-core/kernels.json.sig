{
  "kpack_signature": 1,
  "signatures": [
    {
      "key_id": "fc9fbd6c17fd6e9cdaafd09e3b07a4130dcd13f73bd7f9a03f37af5ecb455eba",
      "sig": "5f3c44842d72b0ae7934323fc333a2956fa1f774c3ec1f7609fb53035bb6e9764a2b2db24b079cf3b1d1b369c53f2802edc75b6c4cfeb29f76d48f72726e9209"
    }
  ]
}
